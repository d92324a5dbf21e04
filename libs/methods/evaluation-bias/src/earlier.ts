import type { Update, Verdict } from "@fedclair/core";

/**
 * The verdicts of the previous phase, empty in the first one. They are plain values, so they
 * survive JSON.
 */
export type EarlierVerdicts = readonly Verdict[];

/**
 * Factor from the largest score to the threshold in a round without a threshold: √1.3, because
 * CLAIR's threshold is at least that far above the scores below it.
 */
const headroom = 1.14;

/**
 * Prepares a phase's verdicts for the next phase. Verdicts that are contaminated or invalid get the
 * phase as part of their reason. Scores without a threshold get one slightly above the largest
 * score.
 */
export function prepareEarlier(phase: string, verdicts: readonly Verdict[]): EarlierVerdicts {
  const above = headroom * Math.max(...verdicts.map(({ score }) => score ?? 0));
  return verdicts.map((verdict) => {
    const { status, score, reason } = verdict;
    const threshold = verdict.threshold ?? (score === null ? null : above);
    if (status !== "contaminated" && status !== "invalid") return { ...verdict, threshold };
    const why = [`${status} in phase ${phase}`, reason ?? []].flat().join(": ");
    return { ...verdict, threshold, reason: why };
  });
}

/**
 * Checks whether the client's earlier answer was impossible for any scores. In that case its next
 * one is ignored too.
 */
export function isInvalid(earlier: EarlierVerdicts, id: string): boolean {
  return earlier.some(({ clientId, status }) => clientId === id && status === "invalid");
}

/**
 * Combines a phase's verdicts with those of the phase before. A client that was flagged stays
 * flagged: an institution that fabricates once is not pooled later, however good its answer looks
 * then. Scores of both phases have the same weight, as a geometric mean in units of their
 * thresholds, because the scores of a single round separate clients too easily.
 * @param verdicts of the aggregator, if it gives some
 * @param updates that are considered in this phase
 * @returns undefined if the aggregator gives no verdicts and no client was flagged before
 */
export function combineWithEarlier(
  verdicts: readonly Verdict[] | undefined,
  earlier: EarlierVerdicts,
  updates: readonly Update[],
): readonly Verdict[] | undefined {
  const earlierById = new Map(earlier.map((verdict) => [verdict.clientId, verdict]));
  const wasFlagged = (id: string) => earlierById.get(id)?.status === "contaminated";
  if (verdicts === undefined && !updates.some(({ clientId }) => wasFlagged(clientId))) {
    return undefined;
  }
  const now = verdicts ?? updates.map(({ clientId }) => createUnscored(clientId));
  return now.map((verdict): Verdict => {
    const before = earlierById.get(verdict.clientId);
    if (before === undefined) return verdict;
    const score = Math.sqrt(computeRatio(verdict) * computeRatio(before));
    const both = rescale({ score, threshold: 1 }, verdict.threshold);
    if (before.status === "contaminated") {
      if (score > 1) return { ...verdict, status: "contaminated", pooled: false, ...both };
      return { ...before, ...rescale(before, verdict.threshold) };
    }
    if (Number.isNaN(score)) return verdict;
    const isCleared = computeRatio(verdict) > 1 && score <= 1;
    return { ...verdict, ...(isCleared && { status: "benign", pooled: true }), ...both };
  });
}

/** Divides a score by its threshold; NaN without a score or without a threshold above 0. */
function computeRatio({ score, threshold }: Verdict): number {
  return score === null || threshold === null || threshold <= 0 ? NaN : score / threshold;
}

/**
 * Rescales a score to another test's threshold, so that all scores of a round have the same scale.
 * Keeps the score if the round has no threshold above 0.
 */
export function rescale(
  { score, threshold }: Pick<Verdict, "score" | "threshold">,
  target: number | null,
): Pick<Verdict, "score" | "threshold"> {
  if (score === null || threshold === null || threshold <= 0) return { score, threshold };
  const scale = target === null || target <= 0 ? threshold : target;
  // The score is infinite if no evaluation fits, but records require finite scores.
  return { score: Math.min((score / threshold) * scale, 1e6 * scale), threshold: scale };
}

function createUnscored(clientId: string): Verdict {
  return { clientId, status: "benign", pooled: true, score: null, threshold: null };
}
