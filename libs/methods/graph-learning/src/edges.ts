import { norm, sum, type Matrix, item, at } from "@fedclair/linalg";
import { listPairs } from "./packing.js";

/** Agreement between the edges of a learned graph and the true ones. */
interface EdgeMatch {
  readonly precision: number;
  readonly recall: number;
  /** F = 2PR/(P + R); 0 if no edge is learned. */
  readonly f: number;
}

/** Thresholds of the F curve: 0, 0.05, … 0.95 of the largest weight. */
export const thresholds: readonly number[] = Array.from({ length: 20 }, (_, i) => i / 20);

/**
 * Compares edges. Pairs with a weight above `threshold` times the largest count as learned edges.
 * @param weights learned, of all pairs
 * @param truth 0 or 1, of the same pairs
 */
export function matchEdges(
  weights: ArrayLike<number>,
  truth: ArrayLike<number>,
  threshold: number,
): EdgeMatch {
  const least = threshold * Math.max(...Array.from(weights));
  let learned = 0;
  let hits = 0;
  let edges = 0;
  for (let i = 0; i < truth.length; i++) {
    const isEdge = truth[i] === 1;
    const isLearned = item(weights, i) > least;
    if (isEdge) edges++;
    if (isLearned) learned++;
    if (isEdge && isLearned) hits++;
  }
  return {
    precision: learned === 0 ? 0 : hits / learned,
    recall: edges === 0 ? 0 : hits / edges,
    f: learned + edges === 0 ? 0 : (2 * hits) / (learned + edges),
  };
}

/** Computes the largest F over `thresholds`. */
export function computeBestF(weights: ArrayLike<number>, truth: ArrayLike<number>): number {
  return Math.max(...thresholds.map((threshold) => matchEdges(weights, truth, threshold).f));
}

/**
 * Computes ‖S/ΣS − A/ΣA‖ over ‖A/ΣA‖, the relative error of the weights independent of their scale.
 */
export function computeRelativeError(s: Matrix, truth: Matrix): number {
  const mass = sum(s.data);
  const trueMass = sum(truth.data);
  const reference = truth.data.map((x) => x / trueMass);
  const difference = reference.map((x, i) => x - at(s.data, i) / mass);
  return norm(difference) / norm(reference);
}

/**
 * Computes |C_ij|/√(C_ii·C_jj) for all pairs, the baseline that treats correlated nodes as
 * neighbours.
 */
export function computeCorrelations(c: Matrix): Float64Array {
  return Float64Array.from(
    listPairs(c.rows, 1),
    ([i, j]) => Math.abs(c.get(i, j)) / Math.sqrt(c.get(i, i) * c.get(j, j)),
  );
}
