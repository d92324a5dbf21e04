import { at } from "@fedclair/linalg";
import { findThresholdsOverRounds } from "./bank.js";
import { describeEvidence } from "./format-evidence.js";
import { decide, type JudgeOptions, type Judgement, type RoundVerdict } from "./evidence.js";
import { scoreOverRounds, type ClientHistories } from "./rounds.js";
import { listEvidence } from "./score.js";

/**
 * Judges by the evidence averaged over rounds. A client may stand out in a single round by chance.
 * Where the differences between clients last, there is no such chance, a further round is no
 * further evidence, and the judgement of the round stays. If a client stands out in this round
 * only, it is undecided; if this round flags it, it is also left out of what is shared. It keeps
 * the judgement of this round if that is the clearer one, and if its score over rounds is one that
 * at most one clean federation in five has.
 * @param ids ids of the round's clients, in the order of the judgements
 * @param histories of all clients up to this round; absent for a round by itself
 */
export function judgeOverRounds(
  { clients, scores: ofRound }: Pick<RoundVerdict, "clients" | "scores">,
  ids: readonly string[],
  histories: ClientHistories | undefined,
  { bank, rate }: Pick<JudgeOptions, "bank" | "rate">,
): readonly Judgement[] {
  const over = histories && scoreOverRounds(histories, ofRound);
  if (over === undefined) return clients;
  const { scores, rounds } = over;
  const thresholds = findThresholdsOverRounds(bank, scores, rate);
  const rows = new Map(over.ids.map((id, row) => [id, row]));
  return clients.map((now, k): Judgement => {
    const row = rows.get(ids[k] ?? "");
    if (row === undefined) return now;
    const score = at(scores.scores, row);
    const isFlagged = now.status === "contaminated";
    const lasts = score > thresholds.shared;
    if (isFlagged && lasts && now.score / now.upper >= score / thresholds.upper) return now;
    const count = rounds[row] ?? 0;
    const evidence = listEvidence(scores, row).map((piece) => ({ ...piece, rounds: count }));
    const decided = { ...now, ...decide(score, thresholds, evidence, now), evidence };
    const isOdd = isFlagged ? !lasts : decided.status === "benign" && now.status !== "benign";
    return isOdd ? { ...decided, ...onlyNow(now, count, !isFlagged && decided.isPooled) } : decided;
  });
}

/** The judgement of a client that stands out in this round alone. */
function onlyNow(
  { evidence }: Judgement,
  rounds: number,
  isPooled: boolean,
): Pick<Judgement, "status" | "reason" | "isPooled"> {
  const reason = describeEvidence(evidence, true);
  return {
    status: "undecided",
    reason: `${reason} in this round, but not over its ${rounds} rounds`,
    isPooled,
  };
}
