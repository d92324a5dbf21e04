import { quantile, item } from "@fedclair/linalg";
import { indices } from "../lists.js";
import { minBenignCount, type ClairOptions } from "../options.js";

/** The threshold between benign and contaminated scores. */
export interface Cut {
  /** Scores above the threshold are contaminated; Infinity means none are. */
  readonly threshold: number;
  /**
   * The ratio of neighbouring sorted scores at the lowest cut; without a cut, the largest ratio, at
   * least 1.
   */
  readonly gap: number;
  /** The reason for a missing threshold. No client is judged then. */
  readonly undecided?: string;
}

/**
 * Finds the threshold for the scores of a round (step 5).
 * @param scores tangents ≥ 0 of all active clients
 */
export function findCut(scores: readonly number[], options: ClairOptions): Cut {
  const sorted = scores.map((t) => Math.max(t, options.scoreFloor)).sort((x, y) => x - y);
  const h = minBenignCount(scores.length, options);
  const { ratio } = findWidestGap(sorted, h, sorted.length);
  switch (options.rule) {
    case "gap":
    case "evidence": // lying outside at a gap is a part of the evidence
      return cutAtGap(sorted, h, options);
    case "mad":
      return { threshold: computeMadThreshold(scores, options), gap: ratio };
    case "fixed": {
      const f = options.fixedThreshold;
      return { threshold: f / Math.sqrt(1 - f * f), gap: ratio };
    }
    case "none":
      return { threshold: Infinity, gap: ratio, undecided: "no threshold: rule is none" };
  }
}

/** Indices of the clients at or below the threshold; all clients if every score is above it. */
export function listBenign({ threshold }: Cut, scores: readonly number[]): number[] {
  const all = indices(scores.length);
  const below = all.filter((k) => item(scores, k) <= threshold);
  return below.length > 0 ? below : all;
}

/**
 * Cuts at the widest gap beyond the H smallest scores, then again below it, so that one huge score
 * does not mask a smaller outlier.
 */
function cutAtGap(sorted: readonly number[], h: number, { gapMin, gapMin2 }: ClairOptions): Cut {
  let { position, ratio } = findWidestGap(sorted, h, sorted.length);
  if (ratio < gapMin) {
    const undecided = `no threshold: the widest gap between scores is ${ratio.toPrecision(3)}, gapMin is ${gapMin}`;
    return { threshold: Infinity, gap: ratio, undecided };
  }
  for (;;) {
    const cut = {
      threshold: Math.sqrt(item(sorted, position) * item(sorted, position - 1)),
      gap: ratio,
    };
    ({ position, ratio } = findWidestGap(sorted, h, position));
    if (ratio < gapMin2) return cut;
  }
}

/**
 * The largest ratio of a score to the previous one, at positions `from` … `to` - 1; the first of
 * equal ratios.
 */
function findWidestGap(sorted: readonly number[], from: number, to: number) {
  let best = { position: from, ratio: 1 };
  for (let position = Math.max(from, 1); position < to; position++) {
    const ratio = item(sorted, position) / item(sorted, position - 1);
    if (ratio > best.ratio) best = { position, ratio };
  }
  return best;
}

/**
 * Computes a threshold a number of deviations above the quantile at the benign fraction h. The
 * deviation is measured between the quantiles h and h/2.
 */
function computeMadThreshold(scores: readonly number[], options: ClairOptions): number {
  const high = quantile(scores, options.minBenignFraction);
  const low = quantile(scores, options.minBenignFraction / 2);
  return Math.max(
    high + (options.madC * (high - low)) / 0.6745,
    (1 + options.madEta) * high,
    options.scoreFloor,
  );
}
