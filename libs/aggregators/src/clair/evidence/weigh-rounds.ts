import type { Judgement } from "./judge.js";
import type { MultiRoundResult } from "./over-rounds.js";

/**
 * This round's judgement in the light of all rounds: who is accused by either is contaminated; where this round can say nothing of a
 * client, its rounds say that it is benign.
 * @param ids of the judgement's clients
 * @param overRounds what their rounds say, by id; of some clients nothing
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

  /** Undecided as one among others, and not because nothing can be said of anybody. */
  function isLeftOut(k: number): boolean {
    return undecided.has(k) && !judgement.isInconclusive;
  }

  function scoreOf(over: MultiRoundResult | undefined): number {
    if (over === undefined) return 0;
    return over.isContaminated ? Math.max(over.excess, 1 + 1e-9) : Math.min(over.excess, 1);
  }
}
