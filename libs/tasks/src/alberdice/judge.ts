import { invalidVerdict, isLowRank, type Update, type Verdict } from "@fedclair/core";
import { sum, item } from "@fedclair/linalg";
import { directionScores, weighted, type Answer } from "./answers.js";

/** How far an honest sum, or an honest logit beyond the clip, may be off. */
const slack = 1e-3;

/**
 * An update's answer for one agent, undefined if it is none: visits must be shares that sum to 1, and logits within the
 * clip. Shapes and finiteness the engine has checked.
 * @param clip undefined: any
 */
export function answerOf(update: Update, module: string, clip?: number): Answer | undefined {
  const logits = update.delta.get(module);
  const visits = update.delta.get("visits");
  if (logits === undefined || visits === undefined) return undefined;
  if (isLowRank(logits) || isLowRank(visits)) return undefined;
  if (visits.data.some((share) => share < 0)) return undefined;
  if (Math.abs(sum(visits.data) - 1) > slack) return undefined;
  if (clip !== undefined && logits.data.some((z) => Math.abs(z) > clip + slack)) return undefined;
  return { logits: logits.data, visits: visits.data };
}

export interface Judgement {
  /** Whose answers are pooled. */
  readonly kept: ReadonlySet<string>;
  /** Undefined if nobody was judged. */
  readonly verdicts?: readonly Verdict[];
  /** By client: the median cosine with the others, where the screen was applied. */
  readonly directions?: Readonly<Record<string, number>>;
}

/**
 * Whom to keep: those that the aggregator finds benign, all if it does not judge. A reversed answer lies in the space
 * that benign clients share, so a test for that space cannot see it: on top of a judging aggregator the screen drops
 * answers whose median cosine with the others is at most 0.
 * @param answers by client, in the order of the updates; undefined: an invalid one
 * @param verdicts of the aggregator, on the valid answers
 */
export function judge(
  answers: ReadonlyMap<string, Answer | undefined>,
  verdicts: readonly Verdict[] | undefined,
  screen: boolean,
): Judgement {
  const valid = [...answers].flatMap(([id, answer]) => (answer ? [[id, answer] as const] : []));
  const invalid = [...answers].flatMap(([clientId, answer]): Verdict[] =>
    answer ? [] : [invalidVerdict(clientId)],
  );
  if (verdicts === undefined) {
    return {
      kept: new Set(valid.map(([id]) => id)),
      ...(invalid.length > 0 && { verdicts: invalid }),
    };
  }
  const scores = directionScores(valid.map(([, answer]) => weighted(answer)));
  const directions = Object.fromEntries(valid.map(([id], k) => [id, item(scores, k)]));
  const judged = verdicts.map((verdict): Verdict => {
    const against = (directions[verdict.clientId] ?? 0) <= 0;
    return screen && verdict.pooled && against
      ? { ...verdict, status: "contaminated", pooled: false }
      : verdict;
  });
  return {
    kept: new Set(judged.filter(({ pooled }) => pooled).map((v) => v.clientId)),
    verdicts: [...judged, ...invalid],
    ...(screen && { directions }),
  };
}
