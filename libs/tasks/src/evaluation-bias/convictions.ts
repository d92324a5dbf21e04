import { isPooled, type Update, type Verdict } from "@fedclair/core";

/** Whom a phase found contaminated, or whose numbers no scores could give, with the evidence and the phase as the reason. */
export type Convictions = readonly Verdict[];

/** What phase `moments` is to know of phase `reference`: plain values, which survive JSON. */
export interface Screening {
  readonly convictions: Convictions;
  /** Whom the phase judged benign and pooled; empty if nobody was judged. */
  readonly pooled: readonly string[];
}

/** Before any phase. */
export const unscreened: Screening = { convictions: [], pooled: [] };

/** @param verdicts as the phase ended with them */
export function screeningOf(phase: string, verdicts: readonly Verdict[]): Screening {
  return {
    convictions: verdicts
      .filter(({ status }) => status === "contaminated" || status === "invalid")
      .map((verdict) => ({
        ...verdict,
        reason: [`${verdict.status} in phase ${phase}`, verdict.reason ?? []].flat().join(": "),
      })),
    pooled: verdicts.filter(isPooled).map(({ clientId }) => clientId),
  };
}

/** Was the client's earlier answer one that no scores could give? Then its next one is not looked at either. */
export function isInvalid(convictions: Convictions, id: string): boolean {
  return convictions.some(({ clientId, status }) => clientId === id && status === "invalid");
}

/**
 * A phase's verdicts, with those whom an earlier phase convicted among the contaminated: an institution that fabricates
 * once is not pooled later, however well it looks then.
 * @param verdicts of the aggregator; undefined if it does not judge
 * @param updates that the phase looks at
 * @returns undefined if nobody is judged, now or earlier
 */
export function withConvictions(
  verdicts: readonly Verdict[] | undefined,
  convictions: Convictions,
  updates: readonly Update[],
): readonly Verdict[] | undefined {
  const earlier = new Map(
    convictions.flatMap((verdict) =>
      verdict.status === "contaminated" ? [[verdict.clientId, verdict] as const] : [],
    ),
  );
  if (verdicts === undefined && !updates.some(({ clientId }) => earlier.has(clientId))) {
    return undefined;
  }
  const now = verdicts ?? updates.map(({ clientId }) => unscored(clientId));
  return now.map((verdict): Verdict => {
    const known = earlier.get(verdict.clientId);
    if (known === undefined || verdict.status === "contaminated") return verdict;
    return { ...known, ...onScale(known, verdict.threshold) };
  });
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
  return { clientId, status: "benign", score: null, threshold: null };
}
