import type { Judgement } from "./judge.js";
import type { OverRounds } from "./over-rounds.js";

/**
 * This round's judgement in the light of all rounds: who is accused by either is contaminated; where this round can say nothing of a
 * client, its rounds say that it is benign.
 * @param ids of the judgement's clients
 * @param known what their rounds say, by id; of some clients nothing
 */
export function weighRounds(
  judgement: Judgement,
  ids: readonly string[],
  known: ReadonlyMap<string, OverRounds>,
): Judgement {
  const rounds = ids.map((id) => known.get(id));
  const isAccused = (k: number) => rounds[k]?.isContaminated === true;
  const all = [...ids.keys()];
  const convicted = new Set(judgement.contaminated);
  const contaminated = all.filter((k) => convicted.has(k) || isAccused(k));
  const undecided = new Map([...judgement.undecided].filter(([k]) => rounds[k] === undefined));
  return {
    contaminated,
    benign: all.filter((k) => !contaminated.includes(k) && !isLeftOut(k)),
    undecided,
    isSilent: judgement.isSilent && known.size === 0,
    scores: judgement.scores.map((score, k) => Math.max(score, scoreOf(rounds[k]))),
    evidence: judgement.evidence.map((own, k) => [...own, ...(rounds[k]?.evidence ?? [])]),
  };

  /** Undecided as one among others, and not because nothing can be said of anybody. */
  function isLeftOut(k: number): boolean {
    return undecided.has(k) && !judgement.isSilent;
  }

  function scoreOf(over: OverRounds | undefined): number {
    if (over === undefined) return 0;
    return over.isContaminated ? Math.max(over.excess, 1 + 1e-9) : Math.min(over.excess, 1);
  }
}
