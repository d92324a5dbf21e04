import { median, medianDeviation } from "@fedclair/linalg";
import type { Detection } from "../detection/detect.js";
import { pick } from "../lists.js";

/**
 * Share of the benign changes above which a space separates benign from contaminated clients by
 * itself, except for the sign. Below it, lying outside is one piece of evidence among others.
 * Measured shares are 0.7 to 0.97 on linear regression, networks, denoising and students; 0.5 on
 * digits, where it misses some clients; 0.1 to 0.3 on adapters of language models.
 */
export const minTrustedShare = 0.6;

/**
 * Share above which a space that was fitted to an agreeing core is searched after all, because the
 * search may find a trusted one.
 */
export const minSearchShare = 0.5;

/** Share of its energy that the median benign change has inside the space. */
export function computeBenignShare({
  benign,
  scores,
}: Pick<Detection, "benign" | "scores">): number {
  return 1 / (1 + median(pick(scores, benign)) ** 2);
}

/**
 * Limits for lying outside. A client outside has two thirds of its energy there (a tangent of √2),
 * 2.2 times the median tangent of the others, and a distance of five of their deviations in the
 * logarithm. Smaller gaps occur among benign clients that differ. Contaminated clients measured at
 * least 1.6, 3 and 7 where a space is trusted. The gap between the two groups must be a factor of
 * 1.6.
 */
export const outsideLimits = {
  tangent: Math.SQRT2,
  medians: 2.2,
  deviations: 5,
  leastDeviation: 0.05,
  gap: 1.6,
};

type ScoredClients = Pick<Detection, "gap" | "scores">;

/** Tangents up to this value are rounding errors. */
export const roundingTangent = 1e-3;

/**
 * A clear gap: at most a third of the clients lie beyond a gap of a factor of 2.5. They do not need
 * two thirds of their energy outside. Measured: students of other teachers have tangents of 0.7 to
 * 0.8 beyond gaps of at least 3.1; in 300 clean federations no such gap was wider than 1.9. A
 * tangent below 0.3 is the noise of a benign change that is smaller than the others, for example
 * one without their common part.
 */
const clearGap = { gap: 2.5, share: 1 / 3, tangent: 0.3 };

/**
 * The smallest tangent that counts as outside a space.
 * @param inside tangents of the clients inside it
 */
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
