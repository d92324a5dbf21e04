import { item, sum, type Matrix } from "@fedclair/linalg";

/**
 * Krum's scores (Blanchard et al., NeurIPS 2017): the sum of the K - f - 2 smallest squared distances to the others, of one
 * at least.
 * @param squared distances, K×K
 * @param f clients that may be contaminated
 */
export function computeKrumScores(squared: Matrix, f: number): number[] {
  const count = squared.rows;
  return indices(count).map((i) => {
    const sorted = squared.column(i).toSorted();
    // The first one is the client itself, at distance 0.
    return sum(sorted.subarray(1, 1 + countNeighbours(count, f)));
  });
}

/** How many nearest neighbours count. */
export function countNeighbours(count: number, f: number): number {
  return Math.max(1, count - f - 2);
}

/** Indices by rising score, the first of equal ones first. */
export function sortByScore(scores: readonly number[]): number[] {
  return indices(scores.length).sort((i, j) => item(scores, i) - item(scores, j));
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, k) => k);
}
