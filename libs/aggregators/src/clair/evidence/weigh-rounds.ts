import type { Judgement } from "./judge.js";
import type { MultiRoundResult } from "./over-rounds.js";

/**
 * Combines this round's judgement with the evidence over all rounds. A client is contaminated if
 * either flags it. If this round is inconclusive about a client, its earlier rounds make it benign.
 * @param ids ids of the judgement's clients
 * @param overRounds results over rounds by id; some clients have none
 */
export function weighRounds(
  judgement: Judgement,
  ids: readonly string[],
  overRounds: ReadonlyMap<string, MultiRoundResult>,
): Judgement {
  const rounds = ids.map((id) => overRounds.get(id));
  const isFlaggedOverRounds = (k: number) => rounds[k]?.isContaminated === true;
  const all = [...ids.keys()];
  const flagged = new Set(judgement.contaminated);
  const contaminated = all.filter((k) => flagged.has(k) || isFlaggedOverRounds(k));
  const undecided = new Map([...judgement.undecided].filter(([k]) => rounds[k] === undefined));
  return {
    contaminated,
    benign: all.filter((k) => !contaminated.includes(k) && !isLeftOut(k)),
    undecided,
    isInconclusive: judgement.isInconclusive && overRounds.size === 0,
    scores: judgement.scores.map((score, k) => Math.max(score, scoreOf(rounds[k]))),
    evidence: judgement.evidence.map((own, k) => [...own, ...(rounds[k]?.evidence ?? [])]),
  };

  /**
   * Whether the client is individually undecided, rather than because the round is inconclusive
   * about everyone.
   */
  function isLeftOut(k: number): boolean {
    return undecided.has(k) && !judgement.isInconclusive;
  }

  function scoreOf(over: MultiRoundResult | undefined): number {
    if (over === undefined) return 0;
    return over.isContaminated ? Math.max(over.excess, 1 + 1e-9) : Math.min(over.excess, 1);
  }
}
