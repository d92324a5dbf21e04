import { meanWeights } from "../robust/mixture.js";
import type { Points } from "../robust/points.js";
import { forSmallest } from "../robust/smallest.js";

/** The points nearest to a trusted one, and the distances of all points from it. */
export interface Nearest {
  /** Indices, ascending. */
  readonly nearest: readonly number[];
  readonly distances: Float64Array;
}

/**
 * Finds the `count` points nearest to a trusted one, which counts as one of them; of equally near
 * points the first ones.
 * @param root index of the trusted point
 */
export async function findNearest(points: Points, root: number, count: number): Promise<Nearest> {
  const { distances } = await points.around(meanWeights(points.count, [root]));
  distances[root] = 0; // computed from inner products, it would be a rounding error
  const nearest: number[] = [];
  forSmallest(distances, count, (k) => nearest.push(k));
  return { nearest: nearest.sort((i, j) => i - j), distances };
}
