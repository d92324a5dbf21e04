import { at } from "@fedclair/linalg";
import { findThresholds, findThresholdsOverRounds } from "./bank.js";
import { decide, type JudgeOptions, type Judgement, type RoundVerdict } from "./judge.js";
import { scoreOverRounds, type ClientHistories } from "./rounds.js";
import { listEvidence } from "./score.js";

/**
 * Judges by the evidence averaged over rounds. Of many rounds one is odd by chance: a client that
 * is flagged in this round only is undecided, and left out of what is shared in this round. It
 * keeps the judgement of this round if that is the clearer one, and if its score over rounds is one
 * that at most one clean federation in five has.
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
  const federation = { clients: over.ids.length, hasSpace: ofRound.hasSpace };
  const thresholds =
    findThresholdsOverRounds(bank, federation.clients, rate) ??
    findThresholds(bank, federation, rate);
  const rows = new Map(over.ids.map((id, row) => [id, row]));
  return clients.map((now, k): Judgement => {
    const row = rows.get(ids[k] ?? "");
    if (row === undefined) return now;
    const score = at(scores.scores, row);
    const isFlagged = now.status === "contaminated";
    const lasts = score > thresholds.shared;
    if (isFlagged && lasts && now.score / now.upper >= score / thresholds.upper) return now;
    const evidence = listEvidence(scores, row);
    const count = rounds[row] ?? 0;
    return {
      ...now,
      ...decide(score, thresholds, evidence, now),
      ...(isFlagged && !lasts && onlyNow(now, count)),
      evidence: evidence.map((piece) => ({ ...piece, rounds: count })),
    };
  });
}

/** The judgement of a client that stands out in this round alone. */
function onlyNow(
  { reason }: Judgement,
  rounds: number,
): Pick<Judgement, "status" | "reason" | "isPooled"> {
  return {
    status: "undecided",
    reason: `${reason} in this round, but not over its ${rounds} rounds`,
    isPooled: false,
  };
}
