import { readNumbers, invalidVerdict, isLowRank, type Update, type Verdict } from "@fedclair/core";
import { sum, item } from "@fedclair/linalg";
import { directionScores, weightLogits, type AgentAnswer } from "./answers.js";

/** Tolerance for the sum of the visits and for logits beyond the clip. */
const slack = 1e-3;

/**
 * Reads an update's answer for one agent. Returns undefined if the answer is invalid: visits must
 * be non-negative and sum to 1, and logits must be within the clip. The engine has already checked
 * shapes and finiteness.
 * @param clip largest absolute logit; undefined: unlimited
 */
export function readAnswer(update: Update, module: string, clip?: number): AgentAnswer | undefined {
  const logits = update.delta.get(module);
  const visits = update.delta.get("visits");
  if (logits === undefined || visits === undefined) return undefined;
  if (isLowRank(logits) || isLowRank(visits)) return undefined;
  if (readNumbers(visits).some((share) => share < 0)) return undefined;
  if (Math.abs(sum(readNumbers(visits)) - 1) > slack) return undefined;
  if (clip !== undefined && readNumbers(logits).some((z) => Math.abs(z) > clip + slack))
    return undefined;
  return { logits: readNumbers(logits), visits: readNumbers(visits) };
}

export interface Screening {
  /** Ids of the clients whose answers are pooled. */
  readonly admitted: ReadonlySet<string>;
  /** Undefined without verdicts of the aggregator if all answers are valid. */
  readonly verdicts?: readonly Verdict[];
  /** Each client's median cosine with the others, if the screen was applied. */
  readonly directions?: Readonly<Record<string, number>>;
}

/**
 * Selects the answers to pool: those that the aggregator reports as benign, or all valid ones if it
 * gives no verdicts.
 *
 * A reversed answer lies in the space that benign clients share, so a test for that space cannot
 * detect it. The screen therefore also drops answers whose median cosine with the others is at most
 * 0, if the aggregator gives verdicts.
 * @param answers by client, in the order of the updates; undefined for an invalid one
 * @param verdicts of the aggregator, on the valid answers
 */
export function screenAnswers(
  answers: ReadonlyMap<string, AgentAnswer | undefined>,
  verdicts: readonly Verdict[] | undefined,
  screen: boolean,
): Screening {
  const valid = [...answers].flatMap(([id, answer]) => (answer ? [[id, answer] as const] : []));
  const invalid = [...answers].flatMap(([clientId, answer]): Verdict[] =>
    answer ? [] : [invalidVerdict(clientId)],
  );
  if (verdicts === undefined) {
    return {
      admitted: new Set(valid.map(([id]) => id)),
      ...(invalid.length > 0 && { verdicts: invalid }),
    };
  }
  const scores = directionScores(valid.map(([, answer]) => weightLogits(answer)));
  const directions = Object.fromEntries(valid.map(([id], k) => [id, item(scores, k)]));
  const screened = verdicts.map((verdict): Verdict => {
    const pointsAgainst = (directions[verdict.clientId] ?? 0) <= 0;
    return screen && verdict.pooled && pointsAgainst
      ? { ...verdict, status: "contaminated", pooled: false }
      : verdict;
  });
  return {
    admitted: new Set(screened.filter(({ pooled }) => pooled).map((v) => v.clientId)),
    verdicts: [...screened, ...invalid],
    ...(screen && { directions }),
  };
}
