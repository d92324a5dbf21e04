import { at } from "@fedclair/linalg";
import { describeEvidence } from "./format-evidence.js";
import type { JudgeOptions, Judgement, RoundVerdict } from "./judge.js";
import { scoreOverRounds, type ClientHistories } from "./rounds.js";
import { listEvidence } from "./score.js";

/**
 * Combines this round's judgement with the evidence averaged over rounds. The one in which a client
 * stands out more decides.
 * @param ids ids of the round's clients, in the order of the judgements
 * @param histories of all clients up to this round; absent for a round by itself
 */
export function judgeOverRounds(
  { clients, cleared, scores: ofRound }: Pick<RoundVerdict, "clients" | "cleared" | "scores">,
  ids: readonly string[],
  histories: ClientHistories | undefined,
  { bank, rate }: Pick<JudgeOptions, "bank" | "rate">,
): readonly Judgement[] {
  const over = histories && scoreOverRounds(histories, ofRound, bank, rate);
  if (over === undefined) return clients;
  const { scores, thresholds, rounds } = over;
  const rows = new Map(over.ids.map((id, row) => [id, row]));
  return clients.map((now, k): Judgement => {
    const row = rows.get(ids[k] ?? "");
    if (row === undefined) return now;
    const score = at(scores.scores, row);
    if (now.status === "contaminated" && now.score / now.upper >= score / thresholds.upper)
      return now;
    const isFlagged = score > thresholds.upper;
    const isUsual = score <= thresholds.lower;
    const evidence = listEvidence(scores, row);
    return {
      status: isFlagged ? "contaminated" : isUsual && cleared.length > 0 ? "benign" : "undecided",
      score,
      upper: thresholds.upper,
      reason: isUsual ? now.usualReason : describeEvidence(evidence, isFlagged),
      usualReason: now.usualReason,
      isUsual,
      evidence: evidence.map((piece) => ({ ...piece, rounds: rounds[row] ?? 0 })),
    };
  });
}
