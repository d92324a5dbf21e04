// Thresholds for scores, from the clean piles of other pools.
import { median, quantile } from "@fedclair/linalg";

/** Share of the subsets of a clean pile in which an adapter may be flagged, as in an audit. */
const rate = 0.05;

/**
 * In this share of the other pools the upper threshold is exceeded no more often than its rate, as
 * in the bank of an audit.
 */
const coverage = 0.85;

/**
 * @param largest by pool: the largest score of each of many subsets of its honest adapters
 * @returns the upper threshold, and the lower one, which the largest score of half of the subsets
 *   exceeds in half of the pools
 */
export function makeThresholds(largest) {
  return {
    upper: quantile(
      largest.map((own) => quantile(own, 1 - rate)),
      coverage,
    ),
    lower: median(largest.map((own) => median(own))),
  };
}

/** The verdict on a score. */
export function toStatus(score, { upper, lower }) {
  if (score > upper) return "contaminated";
  return score > lower ? "undecided" : "benign";
}
