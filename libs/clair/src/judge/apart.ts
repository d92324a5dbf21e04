import { at } from "@fedclair/linalg";

/** Smaller scores are usual among any clients, so no gap below is larger for being above them. */
const leastScore = 2;

/** A gap in the scores of a federation, with fewer than half of the clients above it. */
export interface Gap {
  /** The lowest score above the gap over the highest one below it. */
  readonly ratio: number;
  /** The highest score below the gap, at least 2. */
  readonly below: number;
}

/** Lists the gaps in the scores of at least three clients, the highest first. */
export function listGaps(scores: Float64Array): Gap[] {
  const sorted = scores.toSorted((x, y) => y - x);
  const half = Math.ceil(sorted.length / 2) - 1;
  return Array.from({ length: half }, (_, k) => {
    const below = Math.max(at(sorted, k + 1), leastScore);
    return { ratio: at(sorted, k) / below, below };
  });
}

/**
 * The score above which clients are apart from all others: those above the lowest gap that is
 * larger than a limit. How far honest clients are from each other depends on their data, and the
 * others show it.
 * @param limit a ratio that few federations without a contaminated client have
 * @returns Infinity if no gap is larger
 */
export function findApart(scores: Float64Array, limit: number): number {
  const gap = listGaps(scores).findLast(({ ratio }) => ratio > limit);
  return gap ? limit * gap.below : Infinity;
}
