import { leadingEigenvectors, Matrix, sum, type Stream, at } from "@fedclair/linalg";
import { sortByScore } from "../krum/scores.js";

/**
 * Computes DnC's outlier scores ⟨V_k - mean, v⟩², where v is the direction in which the points
 * differ most. They are the squared entries of the leading eigenvector of the centered Gram matrix
 * HGH, up to its eigenvalue, which does not affect comparisons.
 * @param gram Gram matrix of the points, K×K
 */
export function computeOutlierScores(gram: Matrix): Float64Array {
  const count = gram.rows;
  const means = Float64Array.from({ length: count }, (_, j) => sum(gram.column(j)) / count);
  const mean = sum(means) / count;
  const centered = new Matrix(
    count,
    count,
    gram.data.map(
      (x, index) => x - at(means, index % count) - at(means, Math.floor(index / count)) + mean,
    ),
  );
  return leadingEigenvectors(centered, 1).data.map((x) => x ** 2);
}

/**
 * The f clients with the largest scores, in the order of the clients; on equal scores the later
 * ones.
 */
export function findOutliers(gram: Matrix, f: number): number[] {
  const order = sortByScore(Array.from(computeOutlierScores(gram)));
  return order.slice(order.length - f).sort((i, j) => i - j);
}

/**
 * Draws `count` distinct numbers from 0 … `length` - 1, every set with equal probability. Floyd's
 * algorithm takes time and memory proportional to `count`, not to `length`.
 * @param count at most `length`
 */
export function sampleIndices(rng: Stream, length: number, count: number): number[] {
  const drawn = new Set<number>();
  for (let last = length - count; last < length; last++) {
    const candidate = rng.int(last + 1);
    drawn.add(drawn.has(candidate) ? last : candidate);
  }
  return [...drawn].sort((i, j) => i - j);
}
