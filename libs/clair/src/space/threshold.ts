import { item, indices } from "@fedclair/linalg";
import { minBenignCount, type ClairOptions } from "../options.js";
import { usualMinGap } from "../rule.js";

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
 * Smaller scores are rounding errors and count as equal, so that their ratios are no gaps. Float32
 * factors give tangents of about 1e-7.
 */
export const scoreFloor = 1e-6;

/**
 * The smallest ratio for further gaps below the first one. It is above `usualMinGap`, because a
 * first gap has been found already and the scores below it are mostly benign.
 */
export const minFurtherGap = 1.6;

/**
 * Finds the threshold for the scores of a round (step 5).
 * @param scores tangents ≥ 0 of all active clients
 */
export function findCut(
  scores: readonly number[],
  options: Pick<ClairOptions, "rule" | "minBenignFraction">,
): Cut {
  const sorted = scores.map((t) => Math.max(t, scoreFloor)).sort((x, y) => x - y);
  const h = minBenignCount(scores.length, options);
  // With rule evidence, lying outside at a gap is a part of the evidence.
  return cutAtGap(sorted, h, options.rule.by === "gap" ? options.rule.minGap : usualMinGap);
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
function cutAtGap(sorted: readonly number[], h: number, minGap: number): Cut {
  let { position, ratio } = findWidestGap(sorted, h, sorted.length);
  if (ratio < minGap) {
    const undecided = `no threshold: the widest gap between scores is ${ratio.toPrecision(3)}, minGap is ${minGap}`;
    return { threshold: Infinity, gap: ratio, undecided };
  }
  for (;;) {
    const cut = {
      threshold: Math.sqrt(item(sorted, position) * item(sorted, position - 1)),
      gap: ratio,
    };
    ({ position, ratio } = findWidestGap(sorted, h, position));
    if (ratio < minFurtherGap) return cut;
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
