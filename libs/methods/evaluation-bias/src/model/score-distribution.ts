import { at, item } from "@fedclair/linalg";
import { integratePart, type Panels } from "./panels.js";

/** A distribution of scores, described from the top as a selection needs it. */
export interface ScoreDistribution {
  /** Share of the scores above t. */
  survival(t: number): number;
  /** The score above which a share of 0 … 1 lies. */
  threshold(share: number): number;
  /** ∫ v f(v) over the best `share` (0 … 1), which is the share times the mean of these scores. */
  upperMean(share: number): number;
}

/**
 * Creates a distribution from its density.
 * @param pdf per unit of score
 * @param panels that cover all of its mass and mean
 */
export function createDistribution(pdf: (x: number) => number, panels: Panels): ScoreDistribution {
  const { edges, logarithmic } = panels;
  const count = edges.length - 1;
  const edge = (i: number) => at(edges, i);
  const mass = (lo: number, hi: number) => integratePart(pdf, lo, hi, logarithmic);
  const firstMoment = (lo: number, hi: number) =>
    integratePart((x) => x * pdf(x), lo, hi, logarithmic);
  const above = suffixSums(count, (i) => mass(edge(i), edge(i + 1)));
  const momentAbove = suffixSums(count, (i) => firstMoment(edge(i), edge(i + 1)));

  /**
   * Finds the coordinate above which `share` of the mass lies, by Newton's method within the panel
   * that contains it.
   */
  const coordinateOf = (share: number): number => {
    const panel = findLast(count, (i) => at(above, i) >= share);
    const target = share - at(above, panel + 1);
    let low = edge(panel);
    let high = edge(panel + 1);
    let y = high - (high - low) * Math.min(1, target / mass(low, high));
    for (let step = 0; step < 60; step++) {
      const surplus = mass(y, edge(panel + 1)) - target;
      if (surplus > 0) low = y;
      else high = y;
      const slope = logarithmic ? pdf(Math.exp(y)) * Math.exp(y) : pdf(y);
      const newton = y + surplus / slope;
      const next = newton >= low && newton <= high ? newton : (low + high) / 2;
      if (Math.abs(next - y) <= 1e-15 * Math.max(1, Math.abs(y))) break;
      y = next;
    }
    return y;
  };

  return {
    survival(t) {
      const y = logarithmic ? Math.log(Math.max(0, t)) : t;
      if (y <= edge(0)) return 1;
      if (y >= edge(count)) return 0;
      const panel = findLast(count, (i) => edge(i) <= y);
      return mass(y, edge(panel + 1)) + at(above, panel + 1);
    },
    threshold(share) {
      const y = coordinateOf(share);
      return logarithmic ? Math.exp(y) : y;
    },
    upperMean(share) {
      const y = coordinateOf(share);
      const panel = findLast(count, (i) => edge(i) <= y);
      return firstMoment(y, edge(panel + 1)) + at(momentAbove, panel + 1);
    },
  };
}

/**
 * Creates a distribution with constant density within each bin.
 * @param edges one more than `pmf`, ascending
 */
export function histogramDistribution(
  pmf: ArrayLike<number>,
  edges: ArrayLike<number>,
): ScoreDistribution {
  const count = pmf.length;
  const edge = (i: number) => item(edges, i);
  const above = suffixSums(count, (i) => item(pmf, i));
  const middle = (lo: number, hi: number) => (lo + hi) / 2;
  const momentAbove = suffixSums(count, (i) => item(pmf, i) * middle(edge(i), edge(i + 1)));

  const place = (share: number) => {
    const bin = findLast(count, (i) => at(above, i) >= share);
    const target = share - at(above, bin + 1);
    const fraction = Math.min(1, target / (item(pmf, bin) || 1));
    const t = edge(bin + 1) - (edge(bin + 1) - edge(bin)) * fraction;
    return { bin, target, t };
  };
  return {
    survival(t) {
      if (t <= edge(0)) return 1;
      if (t >= edge(count)) return 0;
      const bin = findLast(count, (i) => edge(i) <= t);
      const part = (edge(bin + 1) - t) / (edge(bin + 1) - edge(bin));
      return item(pmf, bin) * part + at(above, bin + 1);
    },
    threshold: (share) => place(share).t,
    upperMean(share) {
      const { bin, target, t } = place(share);
      return target * middle(t, edge(bin + 1)) + at(momentAbove, bin + 1);
    },
  };
}

/** Computes s_i = Σ_{j ≥ i} value(j) for i = 0 … count; the last is 0. */
function suffixSums(count: number, value: (i: number) => number): Float64Array {
  const sums = new Float64Array(count + 1);
  for (let i = count - 1; i >= 0; i--) sums[i] = at(sums, i + 1) + value(i);
  return sums;
}

/**
 * Finds the last index 0 … count - 1 with a property that holds up to some index; 0 if it never
 * holds.
 */
function findLast(count: number, holds: (i: number) => boolean): number {
  let low = 0;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
