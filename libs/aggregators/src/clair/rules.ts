import { quantile } from "@fedclair/linalg";
import type { ClairOptions } from "./options.js";
import { trimmedSize } from "./search.js";

/** Where benign scores end. */
export interface Cut {
  /** Scores above it are contaminated; Infinity: none. */
  readonly threshold: number;
  /** The ratio of neighbouring sorted scores at the lowest cut; without one the largest ratio seen, at least 1. */
  readonly gap: number;
}

/** The threshold of a round's scores (step 5). @param scores tangents ≥ 0 of all active clients */
export function cutOf(scores: readonly number[], options: ClairOptions): Cut {
  const sorted = scores.map((t) => Math.max(t, options.scoreFloor)).sort((x, y) => x - y);
  const h = trimmedSize(scores.length, options.minBenignFraction);
  switch (options.rule) {
    case "gap":
      return gapCut(sorted, h, options);
    case "mad":
      return {
        threshold: madThreshold(scores, options),
        gap: widest(sorted, h, sorted.length).ratio,
      };
    case "fixed": {
      const f = options.fixedThreshold;
      return { threshold: f / Math.sqrt(1 - f * f), gap: widest(sorted, h, sorted.length).ratio };
    }
    case "none":
      return { threshold: Infinity, gap: widest(sorted, h, sorted.length).ratio };
  }
}

/** Indices of the clients that are not above the threshold; all, if each is. */
export function benignBy({ threshold }: Cut, scores: readonly number[]): number[] {
  const all = [...scores.keys()];
  const below = all.filter((k) => (scores[k] ?? NaN) <= threshold);
  return below.length > 0 ? below : all;
}

/** Cuts at the widest gap beyond the H smallest scores, then again below it, so that one enormous score hides no milder one. */
function gapCut(sorted: readonly number[], h: number, { gapMin, gapMin2 }: ClairOptions): Cut {
  let widestHere = widest(sorted, h, sorted.length);
  let cut: Cut = { threshold: Infinity, gap: widestHere.ratio };
  let least = gapMin;
  while (widestHere.ratio >= least) {
    const { position, ratio } = widestHere;
    const above = sorted[position] ?? Infinity;
    const below = sorted[position - 1] ?? 0;
    cut = { threshold: Math.sqrt(above * below), gap: ratio };
    widestHere = widest(sorted, h, position);
    least = gapMin2;
  }
  return cut;
}

/** The largest ratio of a score to the one before, at positions `from` … `to` - 1; the first of equal ones. */
function widest(sorted: readonly number[], from: number, to: number) {
  let best = { position: from, ratio: 1 };
  for (let position = Math.max(from, 1); position < to; position++) {
    const ratio = (sorted[position] ?? 1) / (sorted[position - 1] ?? 1);
    if (ratio > best.ratio) best = { position, ratio };
  }
  return best;
}

/** A deviation above the quantile at the benign fraction h, the deviation measured between the quantiles h and h/2. */
function madThreshold(scores: readonly number[], options: ClairOptions): number {
  const high = quantile(scores, options.minBenignFraction);
  const low = quantile(scores, options.minBenignFraction / 2);
  return Math.max(
    high + (options.madC * (high - low)) / 0.6745,
    (1 + options.madEta) * high,
    options.scoreFloor,
  );
}
