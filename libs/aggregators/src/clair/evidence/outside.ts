import { median, medianDeviation } from "@fedclair/linalg";
import type { Detection } from "../detection/detect.js";
import { pick } from "../lists.js";

/**
 * A space that holds at least so much of the benign changes tells benign from contaminated by itself, but for the sign; else it is
 * one piece among others. Measured: 0.7 to 0.97 on linear regression, networks, denoising and students; 0.5 on digits, where it
 * misses some; 0.1 to 0.3 on adapters of language models.
 */
export const minTrustedShare = 0.6;

/** Of a space that was found from an agreeing core alone: if it holds so much, a search may find one that is trusted. */
export const minSearchShare = 0.5;

/** The share of their energy that the space holds of the benign changes: of the median one. */
export function computeBenignShare({
  benign,
  scores,
}: Pick<Detection, "benign" | "scores">): number {
  return 1 / (1 + median(pick(scores, benign)) ** 2);
}

/**
 * Whoever lies outside has two thirds of its energy there, a tangent of √2, and lies 2.2 times as far out as the median of the others, and
 * five of their deviations, in the logarithm: less is a gap among benign clients that differ. Measured of contaminated clients where a space is
 * trusted: 1.6, 3 and 7 at least. And nobody lies between: the gap is of a factor of 1.6.
 */
export const outsideLimits = {
  tangent: Math.SQRT2,
  medians: 2.2,
  deviations: 5,
  leastDeviation: 0.05,
  gap: 1.6,
};

type ScoredClients = Pick<Detection, "gap" | "scores">;

/** Tangents up to it are rounding. */
export const roundingTangent = 1e-3;

/**
 * A third of the clients at most, beyond a gap of a factor of 2.5, need not have two thirds of their energy outside. Measured: students of
 * other teachers lie at tangents of 0.7 to 0.8, beyond gaps of 3.1 and more; in 300 clean federations no such gap was wider than 1.9. Less than a
 * tangent of 0.3 is the noise of an honest change that is smaller than the others', as one without their common part.
 */
const clearGap = { gap: 2.5, share: 1 / 3, tangent: 0.3 };

/** The least tangent that is far out of a space. @param inside tangents of the clients inside it */
export function computeOutsideTangent(
  inside: readonly number[],
  { gap, scores }: ScoredClients,
): number {
  const { medians, deviations, leastDeviation } = outsideLimits;
  const isClear = gap >= clearGap.gap && inside.length >= (1 - clearGap.share) * scores.length;
  const tangent = isClear ? clearGap.tangent : outsideLimits.tangent;
  const usual = median(inside);
  const spread = medianDeviation(inside.map((x) => Math.log(Math.max(x, 1e-6))));
  const apart = Math.exp(deviations * Math.max(spread, leastDeviation));
  return Math.max(tangent, usual * Math.max(medians, apart));
}
