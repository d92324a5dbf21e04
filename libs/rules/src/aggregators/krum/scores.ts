import { indices, item, sum, type Matrix } from "@fedclair/linalg";

/**
 * Computes Krum's scores (Blanchard et al., NeurIPS 2017). A score is the sum of the K - f - 2
 * smallest squared distances to the other clients, but at least of the smallest one.
 * @param squared distances, K×K
 * @param f number of clients that may be contaminated
 */
export function computeKrumScores(squared: Matrix, f: number): number[] {
  const count = squared.rows;
  return indices(count).map((i) => {
    const sorted = squared.column(i).toSorted();
    // The first entry is the client itself, at distance 0.
    return sum(sorted.subarray(1, 1 + countNeighbours(count, f)));
  });
}

/** Number of nearest neighbours in a score, at least 1. */
export function countNeighbours(count: number, f: number): number {
  return Math.max(1, count - f - 2);
}

/** Indices by ascending score; equal scores keep their order. */
export function sortByScore(scores: readonly number[]): number[] {
  return indices(scores.length).sort((i, j) => item(scores, i) - item(scores, j));
}
