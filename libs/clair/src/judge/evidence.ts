import type { VerdictStatus } from "@fedclair/core";
import { at, type Stream, indices } from "@fedclair/linalg";
import { findThresholds, type Bank, type Thresholds } from "./bank.js";
import {
  listCleared,
  plantAttackers,
  shareAbove,
  type ControlKind,
  type Power,
} from "./controls.js";
import type { Measures } from "../measures/measures.js";
import { describeControls, describeEvidence, type Strength } from "./format-evidence.js";
import { listEvidence, scoreAgainst, scoreClients, type Scores } from "./score.js";

/** The judgement of one client. */
export interface Judgement {
  readonly status: Extract<VerdictStatus, "benign" | "contaminated" | "undecided">;
  /** The larger, the more suspicious; at least 0. */
  readonly score: number;
  /** A client with a higher score is contaminated. */
  readonly upper: number;
  /** The pieces behind the score, the strongest first. */
  readonly evidence: readonly Strength[];
  /** One sentence in plain words. */
  readonly reason: string;
  /** The sentence for a client about whom nothing stands out. */
  readonly usualReason: string;
  /** Would attackers have stood out among the clients that it can be compared with? */
  readonly canBeBenign: boolean;
  /** Does the client take part in what is shared? It may stand out a little, as honest ones do. */
  readonly isPooled: boolean;
}

/** The judgement of all clients of a round. */
export interface RoundVerdict {
  readonly clients: readonly Judgement[];
  readonly thresholds: Thresholds;
  /** Share of planted attackers that are not called benign, by kind. */
  readonly power: Power;
  /** Share of planted attackers that are flagged, by kind; absent if none were planted. */
  readonly flagged?: Power;
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
  /** The power among clients like these, if it is known; by default it is measured. */
  readonly power?: Power | undefined;
}

/**
 * Among more clients, a few attackers do not change whom the others trust, so it is not found again
 * for every plant.
 */
const maxSearched = 40;
/** With fewer clients nobody is called benign. */
export const minBenignClients = 10;

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
  { bank, rate, required, power: known }: JudgeOptions,
  rng: Stream,
): RoundVerdict {
  const count = measures.size.length;
  const scores = scoreClients(measures, bank.spreads);
  const thresholds = findThresholds(bank, scores, rate);
  const shares = known
    ? { power: known }
    : findPlanted(measures, scores, thresholds, { bank, rate }, rng);
  const { power } = shares;
  const cleared = count < minBenignClients ? [] : listCleared(power);
  const isCleared = cleared.length > 0 && required.every((kind) => cleared.includes(kind));
  const controls = describeControls(cleared, power, required, count < minBenignClients);
  const clients = indices(count).map((k): Judgement => {
    const score = at(scores.scores, k);
    const startsElsewhere = measures.startsElsewhere[k] === true;
    const evidence = listEvidence(scores, k);
    const usualReason = startsElsewhere
      ? "began from another A₀ than most, so it cannot be compared with them"
      : controls;
    const canBeBenign = isCleared && !startsElsewhere;
    return {
      ...decide(score, thresholds, evidence, { canBeBenign, usualReason }),
      evidence,
      usualReason,
      canBeBenign,
    };
  });
  return { clients, thresholds, ...shares, cleared, scores };
}

/** Plants attackers and measures how many of them are found. */
function findPlanted(
  measures: Measures,
  { trusted }: Scores,
  { lower }: Thresholds,
  { bank, rate }: Pick<JudgeOptions, "bank" | "rate">,
  rng: Stream,
): Pick<RoundVerdict, "power" | "flagged"> {
  const planted = plantAttackers(
    measures,
    trusted,
    (altered, left, agreement) => {
      const scores =
        measures.size.length > maxSearched
          ? scoreAgainst(altered, left, bank.spreads, agreement)
          : scoreClients(altered, bank.spreads);
      return { ...scores, upper: findThresholds(bank, scores, rate).upper };
    },
    rng,
  );
  return {
    power: shareAbove(planted, () => lower),
    flagged: shareAbove(planted, ({ upper }) => upper),
  };
}

/** Decides about a client by its score. */
export function decide(
  score: number,
  { upper, lower, shared }: Thresholds,
  evidence: readonly Strength[],
  { canBeBenign, usualReason }: Pick<Judgement, "canBeBenign" | "usualReason">,
): Pick<Judgement, "status" | "score" | "upper" | "reason" | "isPooled"> {
  const isUsual = score <= lower;
  const isPooled = score <= shared;
  if (score > upper) {
    const reason = describeEvidence(evidence, true);
    return { status: "contaminated", score, upper, reason, isPooled };
  }
  const status = isUsual && canBeBenign ? "benign" : "undecided";
  const reason = isUsual ? usualReason : describeEvidence(evidence, false);
  return { status, score, upper, reason, isPooled };
}
