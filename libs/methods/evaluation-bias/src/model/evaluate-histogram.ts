import { sum, item, at } from "@fedclair/linalg";
import { member, type BaseMeasure } from "./family.js";
import { findGamma } from "./gamma.js";
import { losses, type Loss } from "./losses.js";
import { ModelError, requireFiniteNumber } from "./model-error.js";

/**
 * Computes the statistics of a discrete distribution of true scores: U_j = Σ_{v_i ≥ x_j} ell(v_i,
 * x_j)·p_i, and O_j as the same sum over v_i < x_j.
 * @param points the scores, ascending, both of the true and of the observed distribution
 * @param weights their probabilities or counts, ≥ 0, not all zero
 * @param spacing measure of each point: 1 to count points, the width of a bin to make entropies
 * differential
 * @throws ModelError BAD_ARGUMENT for an empty histogram, or points that do not fit it or the loss
 */
export function histogramBase(
  points: readonly number[],
  weights: ArrayLike<number>,
  loss: Loss,
  spacing = 1,
): BaseMeasure {
  const total = sum(weights);
  if (points.length !== weights.length) {
    const message = `expected a weight for each of ${points.length} points, got ${weights.length}`;
    throw new ModelError("BAD_ARGUMENT", message);
  }
  if (!(total > 0 && Number.isFinite(total)) || Array.from(weights).some((w) => !(w >= 0))) {
    throw new ModelError("BAD_ARGUMENT", "empty histogram: expected weights ≥ 0, some above 0");
  }
  if (loss === "log" && points.some((x) => !(x > 0))) {
    throw new ModelError("BAD_ARGUMENT", "loss log: expected scores above 0");
  }
  const ell = losses[loss];
  const under = new Float64Array(points.length);
  const over = new Float64Array(points.length);
  points.forEach((x, j) => {
    points.forEach((v, i) => {
      const cost = (ell(v, x) * item(weights, i)) / total;
      if (v >= x) under[j] = at(under, j) + cost;
      else over[j] = at(over, j) + cost;
    });
  });
  const logWeight = new Float64Array(points.length).fill(Math.log(spacing));
  return { x: Float64Array.from(points), logWeight, under, over };
}

/** An evaluation with observed scores on the same points as the true ones. */
interface DiscreteEvaluation {
  readonly gamma: number;
  readonly pmf: Float64Array;
  readonly mean: number;
}

/**
 * Minimises the mean risk over the pmfs of entropy at least `tau`.
 * @param tau in nats relative to the base measure: Shannon entropy if that counts points,
 * differential entropy if it has a spacing
 * @throws ModelError INFEASIBLE if no gamma > 0 gives the entropy, BAD_ARGUMENT for arguments out
 * of range
 */
export function evaluateHistogram(
  base: BaseMeasure,
  alpha: number,
  tau: number,
): DiscreteEvaluation {
  requireFiniteNumber("alpha", alpha, true);
  requireFiniteNumber("tau", tau);
  const unit = at(base.logWeight, 0);
  const widest = Math.log(base.x.length) + unit;
  if (tau >= widest || tau <= unit) {
    const message = `tau = ${tau}: expected an entropy between ${unit} (one point) and ${widest} (all alike)`;
    throw new ModelError("INFEASIBLE", message);
  }
  const gamma = findGamma(() => base, alpha, tau);
  const { probabilities } = member(base, 1 / gamma, alpha / gamma);
  return { gamma, pmf: probabilities, mean: meanScore(base, probabilities) };
}

function meanScore({ x }: BaseMeasure, pmf: Float64Array): number {
  return pmf.reduce((total, p, i) => total + p * at(x, i), 0);
}

/** Computes the Shannon entropy of a pmf, in nats. */
export function shannon(pmf: ArrayLike<number>): number {
  let entropy = 0;
  for (let i = 0; i < pmf.length; i++) {
    const p = item(pmf, i);
    if (p !== 0) entropy -= p * Math.log(p);
  }
  return entropy;
}

/** Computes ½ Σ |p - q|. */
export function totalVariation(p: ArrayLike<number>, q: ArrayLike<number>): number {
  let distance = 0;
  for (let i = 0; i < p.length; i++) distance += Math.abs(item(p, i) - item(q, i));
  return distance / 2;
}

/**
 * Converts counts into probabilities.
 * @throws ModelError BAD_ARGUMENT unless all are ≥ 0 and some above 0
 */
export function normalise(counts: ArrayLike<number>): Float64Array {
  const total = sum(counts);
  if (!(total > 0) || Array.from(counts).some((n) => !(n >= 0 && Number.isFinite(n)))) {
    throw new ModelError("BAD_ARGUMENT", "empty histogram: expected counts ≥ 0, some above 0");
  }
  return Float64Array.from(counts, (n) => n / total);
}
