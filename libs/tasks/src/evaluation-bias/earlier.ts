import type { Update, Verdict } from "@fedclair/core";

/** The verdicts that a phase ended with, and none before the first: plain values, which survive JSON. */
export type Earlier = readonly Verdict[];

/** Above the largest score of a round whose scores no threshold parts: √1.3, CLAIR's least distance from scores below. */
const headroom = 1.14;

/**
 * @returns the verdicts for the next phase: those that were not benign with the phase as a part of their reason, and scores
 *   that no threshold parts with one a little above the largest
 */
export function earlierOf(phase: string, verdicts: readonly Verdict[]): Earlier {
  const above = headroom * Math.max(...verdicts.map(({ score }) => score ?? 0));
  return verdicts.map((verdict) => {
    const { status, score, reason } = verdict;
    const threshold = verdict.threshold ?? (score === null ? null : above);
    if (status !== "contaminated" && status !== "invalid") return { ...verdict, threshold };
    const why = [`${status} in phase ${phase}`, reason ?? []].flat().join(": ");
    return { ...verdict, threshold, reason: why };
  });
}

/** Was the client's earlier answer one that no scores could give? Then its next one is not looked at either. */
export function isInvalid(earlier: Earlier, id: string): boolean {
  return earlier.some(({ clientId, status }) => clientId === id && status === "invalid");
}

/**
 * A phase's verdicts in the light of the one before. A conviction holds: an institution that fabricates once is not pooled
 * later, however well it looks then. Scores of both phases count alike, in the geometric mean, each in units of its
 * threshold: those of one round alone part too easily.
 * @param verdicts of the aggregator; undefined if it does not judge
 * @param updates that the phase looks at
 * @returns undefined if nobody is judged, now or earlier
 */
export function withEarlier(
  verdicts: readonly Verdict[] | undefined,
  earlier: Earlier,
  updates: readonly Update[],
): readonly Verdict[] | undefined {
  const known = new Map(earlier.map((verdict) => [verdict.clientId, verdict]));
  const isConvicted = (id: string) => known.get(id)?.status === "contaminated";
  if (verdicts === undefined && !updates.some(({ clientId }) => isConvicted(clientId))) {
    return undefined;
  }
  const now = verdicts ?? updates.map(({ clientId }) => unscored(clientId));
  return now.map((verdict): Verdict => {
    const before = known.get(verdict.clientId);
    if (before === undefined) return verdict;
    const score = Math.sqrt(ratioOf(verdict) * ratioOf(before));
    const both = onScale({ score, threshold: 1 }, verdict.threshold);
    if (before.status === "contaminated") {
      if (score > 1) return { ...verdict, status: "contaminated", pooled: false, ...both };
      return { ...before, ...onScale(before, verdict.threshold) };
    }
    if (Number.isNaN(score)) return verdict;
    const isAcquitted = ratioOf(verdict) > 1 && score <= 1;
    return { ...verdict, ...(isAcquitted && { status: "benign", pooled: true }), ...both };
  });
}

/** NaN without a score or a threshold above 0. */
function ratioOf({ score, threshold }: Verdict): number {
  return score === null || threshold === null || threshold <= 0 ? NaN : score / threshold;
}

/**
 * A score brought to another test's threshold, so that all scores of a round read alike; as it is where the round has no
 * threshold above 0.
 */
export function onScale(
  { score, threshold }: Pick<Verdict, "score" | "threshold">,
  wanted: number | null,
): Pick<Verdict, "score" | "threshold"> {
  if (score === null || threshold === null || threshold <= 0) return { score, threshold };
  const scale = wanted === null || wanted <= 0 ? threshold : wanted;
  // Infinite where no evaluation fits: records hold finite scores.
  return { score: Math.min((score / threshold) * scale, 1e6 * scale), threshold: scale };
}

function unscored(clientId: string): Verdict {
  return { clientId, status: "benign", pooled: true, score: null, threshold: null };
}
