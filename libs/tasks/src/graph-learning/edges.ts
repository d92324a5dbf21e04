import { norm, sum, type Matrix, item, at } from "@fedclair/linalg";
import { pairs } from "./packing.js";

/** How the edges of a learned graph agree with the true ones. */
export interface EdgeMatch {
  readonly precision: number;
  readonly recall: number;
  /** F = 2PR/(P + R); 0 where nothing is found. */
  readonly f: number;
}

/** The thresholds of F's curve: 0, 0.05, … 0.95 of the largest weight. */
export const thresholds: readonly number[] = Array.from({ length: 20 }, (_, i) => i / 20);

/**
 * Takes the pairs with a weight above `threshold` times the largest for edges.
 * @param weights learned, of all pairs
 * @param truth 0 or 1, of the same pairs
 */
export function edgeMatch(
  weights: ArrayLike<number>,
  truth: ArrayLike<number>,
  threshold: number,
): EdgeMatch {
  const least = threshold * Math.max(...Array.from(weights));
  let found = 0;
  let hits = 0;
  let edges = 0;
  for (let i = 0; i < truth.length; i++) {
    const isEdge = truth[i] === 1;
    const isFound = item(weights, i) > least;
    if (isEdge) edges++;
    if (isFound) found++;
    if (isEdge && isFound) hits++;
  }
  return {
    precision: found === 0 ? 0 : hits / found,
    recall: edges === 0 ? 0 : hits / edges,
    f: found + edges === 0 ? 0 : (2 * hits) / (found + edges),
  };
}

/** The largest F over `thresholds`. */
export function bestF(weights: ArrayLike<number>, truth: ArrayLike<number>): number {
  return Math.max(...thresholds.map((threshold) => edgeMatch(weights, truth, threshold).f));
}

/** ‖S/ΣS − A/ΣA‖ over ‖A/ΣA‖: how far the weights are from the true ones, whatever their scale. */
export function relativeError(s: Matrix, truth: Matrix): number {
  const mass = sum(s.data);
  const trueMass = sum(truth.data);
  const reference = truth.data.map((x) => x / trueMass);
  const difference = reference.map((x, i) => x - at(s.data, i) / mass);
  return norm(difference) / norm(reference);
}

/** |C_ij|/√(C_ii·C_jj) of all pairs: the baseline that takes correlated nodes for neighbours. */
export function correlations(c: Matrix): Float64Array {
  return Float64Array.from(
    pairs(c.rows, 1),
    ([i, j]) => Math.abs(c.get(i, j)) / Math.sqrt(c.get(i, i) * c.get(j, j)),
  );
}
