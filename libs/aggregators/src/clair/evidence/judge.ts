import type { Evidence, VerdictStatus } from "@fedclair/core";
import { at, type Stream } from "@fedclair/linalg";
import { indices } from "../lists.js";
import { findThresholds, type Bank, type Thresholds } from "./bank.js";
import { listCleared, measurePower, type ControlKind, type Power } from "./controls.js";
import type { Measures } from "./measures.js";
import { describeControls, describeEvidence } from "./format-evidence.js";
import { listEvidence, scoreClients, type Scores } from "./score.js";

/** The judgement of one client. */
export interface Judgement {
  readonly status: Extract<VerdictStatus, "benign" | "contaminated" | "undecided">;
  /** The larger, the more suspicious; at least 0. */
  readonly score: number;
  /** A client with a higher score is contaminated. */
  readonly upper: number;
  /** The pieces behind the score, the strongest first. */
  readonly evidence: readonly Evidence[];
  /** One sentence in plain words. */
  readonly reason: string;
  /** The sentence for a client about whom nothing stands out. */
  readonly usualReason: string;
  /** Does nothing stand out about the client, whatever could have been found? */
  readonly isUsual: boolean;
}

/** The judgement of all clients of a round. */
export interface RoundVerdict {
  readonly clients: readonly Judgement[];
  readonly thresholds: Thresholds;
  /** Share of planted attackers that stand out, by kind. */
  readonly power: Power;
  /** The kinds that a client who does not stand out is cleared of. */
  readonly cleared: readonly ControlKind[];
  readonly scores: Scores;
}

export interface JudgeOptions {
  readonly bank: Bank;
  /** Share of federations without a contaminated client in which any client is flagged. */
  readonly rate: number;
  /** Kinds that a client must be cleared of to be called benign; at least one of all by default. */
  readonly required: readonly ControlKind[];
}

/** With fewer clients nobody is called benign. */
const minBenignClients = 10;

/**
 * Judges the clients of a round by the length of the vector of their pieces of evidence.
 *
 * A client above the upper threshold is contaminated. A client below the lower threshold is
 * benign, if attackers planted among the clients would have stood out.
 * @param measures of at least four clients
 * @param rng draws the plants
 */
export function judge(
  measures: Measures,
  { bank, rate, required }: JudgeOptions,
  rng: Stream,
): RoundVerdict {
  const count = measures.size.length;
  const score = (own: Measures) => scoreClients(own, bank.spreads);
  const scores = score(measures);
  const { hasSpace } = scores;
  const thresholds = findThresholds(bank, { clients: count, hasSpace }, rate);
  const power = measurePower(measures, scores.trusted, thresholds.lower, score, rng);
  const cleared = count < minBenignClients ? [] : listCleared(power);
  const isCleared = cleared.length > 0 && required.every((kind) => cleared.includes(kind));
  const usualReason = describeControls(cleared, power, required, count < minBenignClients);
  const clients = indices(count).map((k): Judgement => {
    const own = at(scores.scores, k);
    const isFlagged = own > thresholds.upper;
    const isUsual = own <= thresholds.lower;
    const startsElsewhere = measures.startsElsewhere[k] === true;
    const status = isFlagged
      ? "contaminated"
      : isUsual && isCleared && !startsElsewhere
        ? "benign"
        : "undecided";
    const evidence = listEvidence(scores, k);
    const reason =
      startsElsewhere && !isFlagged
        ? "began from another A₀ than most, so it cannot be compared with them"
        : isUsual
          ? usualReason
          : describeEvidence(evidence, isFlagged);
    return { status, score: own, upper: thresholds.upper, evidence, reason, usualReason, isUsual };
  });
  return { clients, thresholds, power, cleared, scores };
}
