import { sum, item } from "@fedclair/linalg";

/** Bins of equal width on standardised scores, the same for all institutions. */
export interface ScoreBins {
  readonly lo: number;
  readonly hi: number;
  readonly bins: number;
}

export function widthOf({ lo, hi, bins }: ScoreBins): number {
  return (hi - lo) / bins;
}

/** Lists the middle of each bin. */
export function listCentres(grid: ScoreBins): readonly number[] {
  return Array.from({ length: grid.bins }, (_, b) => grid.lo + (b + 0.5) * widthOf(grid));
}

/** Lists the ends of the bins, one more than there are bins. */
export function listEdges(grid: ScoreBins): readonly number[] {
  return Array.from({ length: grid.bins + 1 }, (_, b) => grid.lo + b * widthOf(grid));
}

/** Counts the scores in each bin; those out of range count in the end bins. */
export function countScores(scores: Float64Array, { lo, hi, bins }: ScoreBins): Float64Array {
  const counts = new Float64Array(bins);
  for (const score of scores) {
    const bin = Math.floor(((score - lo) / (hi - lo)) * bins);
    const slot = Math.min(bins - 1, Math.max(0, bin));
    counts[slot] = item(counts, slot) + 1;
  }
  return counts;
}

/** The share of the lowest and of the highest values that a mean of histograms leaves out. */
export const trimOfEachSide = 0.25;

/**
 * Averages each bin after dropping the `floor(trim·N)` lowest and highest values, and scales the
 * result to sum to 1.
 */
export function trimmedPmf(pmfs: readonly Float64Array[], trim: number): Float64Array {
  const dropped = Math.floor(trim * pmfs.length);
  const bins = pmfs[0]?.length ?? 0;
  const means = Float64Array.from({ length: bins }, (_, b) => {
    const sorted = Float64Array.from(pmfs, (pmf) => item(pmf, b)).sort();
    return sum(sorted.subarray(dropped, sorted.length - dropped)) / (sorted.length - 2 * dropped);
  });
  const total = sum(means);
  return means.map((p) => p / total);
}

/**
 * Computes (p·n + pseudo)/(n + pseudo·B), so that every bin is possible.
 * @param n samples behind the pmf
 */
export function smooth(pmf: Float64Array, n: number, pseudo = 0.5): Float64Array {
  return pmf.map((p) => (p * n + pseudo) / (n + pseudo * pmf.length));
}
