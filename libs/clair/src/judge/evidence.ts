import type { Evidence, VerdictStatus } from "@fedclair/core";
import { at, indices, item, pick, type Stream } from "@fedclair/linalg";
import type { ClientMeasures } from "../measures/measures.js";
import { findThresholds, findThresholdsOverRounds, type Bank, type Thresholds } from "./bank.js";
import {
  describeControls,
  listCleared,
  plantAttackers,
  shareAbove,
  type ControlKind,
  type Power,
} from "./controls.js";
import { maxCounted, oppositeMeanings, pieceMeanings, type PieceKind } from "./pieces.js";
import type { ClientVerdict } from "./gap.js";
import { addRound, minRounds, scoreOverRounds, type EvidenceHistories } from "./rounds.js";
import {
  computeRoundScore,
  listEvidence,
  scoreAgainst,
  scoreClients,
  type EvidenceScores,
} from "./score.js";

/** A piece of evidence with a meaning. */
type Strength = Evidence & { readonly kind: PieceKind };

/** The judgement of one client. */
interface JudgedClient {
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
  /** Does it take part although it moves together with few others? These have one vote. */
  readonly sharesVote: boolean;
}

/** The judgement of all clients of a round. */
interface JudgedClients {
  readonly clients: readonly JudgedClient[];
  readonly thresholds: Thresholds;
  /** Share of planted attackers that are not called benign, by kind. */
  readonly power: Power;
  /** Share of planted attackers that are flagged, by kind; absent if none were planted. */
  readonly flagged?: Power;
  /** The kinds that a client who does not stand out is cleared of. */
  readonly cleared: readonly ControlKind[];
  readonly scores: EvidenceScores;
}

interface JudgeOptions {
  readonly bank: Bank;
  /** Share of federations without a contaminated client in which any client is flagged. */
  readonly rate: number;
  /** Kinds that a client must be cleared of to be called benign; at least one of all by default. */
  readonly required: readonly ControlKind[];
  /** The power among clients like these, if it is known; by default it is measured. */
  readonly power?: Power | undefined;
}

/** The positive controls of a round, and the limits of its scores. */
export type Controls = Pick<JudgedClients, "power" | "flagged" | "cleared" | "thresholds">;

/** The judgement of rule `evidence`. */
interface EvidenceJudgement {
  readonly clients: readonly ClientVerdict[];
  readonly controls: Controls;
  /** The histories after this round; absent if none were given. */
  readonly histories?: EvidenceHistories;
}

/** Earlier rounds of the clients. */
interface EarlierRounds {
  readonly histories: EvidenceHistories;
  /** Indices of the clients that take part in this round. */
  readonly present: readonly number[];
}

/** How clients are judged, and who of the undecided takes part in what is shared. */
interface EvidenceOptions extends JudgeOptions {
  /** With fewer clients, everybody is undecided. */
  readonly minClients: number;
  /** Whether all undecided clients are included in the shared result. */
  readonly poolsUndecided: boolean;
}

/**
 * Rule `evidence`: weighs the measures of clients against a bank of honest ones, in this round and
 * over earlier rounds.
 * @param measures of at least three clients
 * @param ids in the order of the measures
 * @param earlier if absent, the round is judged by itself
 * @param rng draws the positive controls
 */
export function judgeByEvidence(
  measures: ClientMeasures,
  ids: readonly string[],
  options: EvidenceOptions,
  earlier: EarlierRounds | undefined,
  rng: Stream,
): EvidenceJudgement {
  const ofRound = judgeMeasures(measures, options, rng);
  const { minClients, poolsUndecided } = options;
  const isTooFew = ids.length < minClients;
  const histories =
    earlier && !isTooFew
      ? addRound(
          earlier.histories,
          pick(ids, earlier.present),
          ofRound.scores,
          earlier.present,
          indices(ids.length).filter((k) => ofRound.clients[k]?.status === "contaminated"),
        )
      : earlier?.histories;
  const present = earlier?.present ?? indices(ids.length);
  const voters = ofRound.scores.voters.flatMap((k) => present.indexOf(k)).filter((k) => k >= 0);
  const scores = { ...ofRound.scores, voters };
  const own = { scores, clients: pick(ofRound.clients, present) };
  const known = isTooFew ? undefined : histories;
  const ofPresent = judgeOverRounds(own, pick(ids, present), known, options);
  // The clients of the window have no verdict.
  const judged = [...ofRound.clients];
  present.forEach((k, i) => (judged[k] = item(ofPresent, i)));
  const reason = `too few clients: ${ids.length} of at least ${minClients}`;
  const clients = judged.map((one) =>
    toClientVerdict(
      isTooFew ? { ...one, status: "undecided", reason, isPooled: true } : one,
      poolsUndecided,
    ),
  );
  return { clients, controls: ofRound, ...(histories && { histories }) };
}

function toClientVerdict(
  { status, score, upper, reason, evidence, isPooled, sharesVote }: JudgedClient,
  poolsUndecided: boolean,
): ClientVerdict {
  return {
    status,
    isPooled: isPooled || (status === "undecided" && poolsUndecided),
    sharesVote,
    score,
    threshold: upper,
    // The list of kinds says the same about a benign client, in fewer bytes of every record.
    ...(status !== "benign" && { reason }),
    evidence,
  };
}

/**
 * One attacker hardly changes whom the others trust, and a few among more clients than this do not
 * either, so it is not found again for their plants.
 */
const maxSearched = 40;
/** With fewer clients nobody is called benign. */
export const minBenignClients = 10;

/**
 * Judges the clients of a round by the length of the vector of their pieces of evidence.
 *
 * A client above the upper threshold is contaminated. A client below the lower threshold is
 * benign, if attackers planted among the clients would have stood out.
 * @param measures of at least three clients
 * @param rng draws the plants
 */
export function judgeMeasures(
  measures: ClientMeasures,
  { bank, rate, required, power: known }: JudgeOptions,
  rng: Stream,
): JudgedClients {
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
  const clients = indices(count).map((k): JudgedClient => {
    const score = computeRoundScore(scores, k, thresholds);
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
  measures: ClientMeasures,
  { trusted }: EvidenceScores,
  { lower }: Thresholds,
  { bank, rate }: Pick<JudgeOptions, "bank" | "rate">,
  rng: Stream,
): Pick<JudgedClients, "power" | "flagged"> {
  const planted = plantAttackers(
    measures,
    trusted,
    (altered, left, agreement) => {
      const [count, known] = [altered.size.length, agreement.length];
      const scores =
        count - known === 1 || count > maxSearched
          ? scoreAgainst(altered, left, bank.spreads, agreement)
          : scoreClients(altered, bank.spreads);
      const thresholds = findThresholds(bank, scores, rate);
      return {
        scoreOf: (k, except) => computeRoundScore(scores, k, thresholds, except),
        upper: thresholds.upper,
      };
    },
    rng,
  );
  return {
    power: shareAbove(planted, () => lower),
    flagged: shareAbove(planted, ({ upper }) => upper),
  };
}

/**
 * Decides about a client by its score. The score limits what a piece may count, so that none flags
 * a client alone. Whether it is benign depends on all of its evidence in full. So does whether it
 * takes part, apart from the clique: anybody who sends something similar can put a client into one.
 */
export function decide(
  score: number,
  { upper, lower, shared }: Thresholds,
  evidence: readonly Strength[],
  { canBeBenign, usualReason }: Pick<JudgedClient, "canBeBenign" | "usualReason">,
): Pick<JudgedClient, "status" | "score" | "upper" | "reason" | "isPooled" | "sharesVote"> {
  const full = Math.max(score, lengthOf(evidence));
  const isUsual = full <= lower;
  const isPooled = Math.max(score, lengthOf(evidence.map(limitClique))) <= shared;
  const sharesVote = isPooled && full > shared;
  if (score > upper) {
    const reason = `${describeEvidence(evidence)}: ${describeForm(evidence, lower)}`;
    return { status: "contaminated", score, upper, reason, isPooled, sharesVote };
  }
  const status = isUsual && canBeBenign ? "benign" : "undecided";
  const reason = isUsual ? usualReason : `${describeEvidence(evidence)}, ${othersWho(evidence)}`;
  return { status, score, upper, reason, isPooled, sharesVote };
}

function limitClique(piece: Strength): Strength {
  const most = piece.kind === "clique" ? maxCounted : Infinity;
  return { ...piece, deviations: Math.min(piece.deviations, most) };
}

/**
 * Judges by the evidence averaged over rounds. A client may stand out in a single round by chance.
 * Where the differences between clients last, there is no such chance, a further round is no
 * further evidence, and the judgement of the round stays. If a client stands out in this round
 * only, it is undecided; if this round flags it, it is also left out of what is shared. It keeps
 * the judgement of this round if that is the clearer one, and if its score over rounds is one that
 * at most one clean federation in five has. A client that each of its rounds flags stays flagged as
 * well: that happens to nobody whom the first of them did not flag, at the rate of one round.
 * @param ids ids of the round's clients, in the order of the judgements
 * @param histories up to this round, with all of these clients; absent for a round by itself
 */
export function judgeOverRounds(
  { clients, scores: ofRound }: Pick<JudgedClients, "clients" | "scores">,
  ids: readonly string[],
  histories: EvidenceHistories | undefined,
  { bank, rate }: Pick<JudgeOptions, "bank" | "rate">,
): readonly JudgedClient[] {
  const over = histories && scoreOverRounds(histories, ids, ofRound);
  if (over === undefined) return clients;
  const { scores, rounds, isAlwaysFlagged } = over;
  const thresholds = findThresholdsOverRounds(bank, scores, rate);
  return clients.map((now, k): JudgedClient => {
    const count = item(rounds, k);
    if (count < minRounds) return now;
    const score = at(scores.scores, k);
    const isFlagged = now.status === "contaminated";
    const lasts = score > thresholds.shared || item(isAlwaysFlagged, k);
    if (isFlagged && lasts && now.score / now.upper >= score / thresholds.upper) return now;
    const evidence = listEvidence(scores, k).map((piece) => ({ ...piece, rounds: count }));
    const decided = { ...now, ...decide(score, thresholds, evidence, now), evidence };
    const isOdd = isFlagged ? !lasts : decided.status === "benign" && now.status !== "benign";
    return isOdd ? { ...decided, ...onlyNow(now, count, !isFlagged && decided.isPooled) } : decided;
  });
}

/** The judgement of a client that stands out in this round alone. */
function onlyNow(
  { evidence }: JudgedClient,
  rounds: number,
  isPooled: boolean,
): Pick<JudgedClient, "status" | "reason" | "isPooled"> {
  const reason = describeEvidence(evidence);
  return {
    status: "undecided",
    reason: `${reason} in this round, but not over its ${rounds} rounds`,
    isPooled,
  };
}

/** Fewer deviations are not worth a word. */
const leastWorth = 1;

/**
 * Says in one sentence why a client stands out, with its two strongest pieces of evidence.
 * @param strongest the largest first
 */
export function describeEvidence(strongest: readonly Strength[]): string {
  return strongest
    .slice(0, 2)
    .filter(({ deviations }, i) => i === 0 || deviations >= leastWorth)
    .map(({ kind, deviations, statistic, rounds = 0 }) => {
      // Over rounds the statistic is a signed average.
      const meanings = rounds > 0 && statistic < 0 ? oppositeMeanings : pieceMeanings;
      return `${meanings[kind]} (${deviations.toFixed(1)} deviations)`;
    })
    .join(" and ");
}

/** Pieces that compare directions: other data change these, and an honest client's data may. */
const ofDirection: ReadonlySet<PieceKind> = new Set(["agreement", "clique", "outside"]);

/**
 * Tells a flagged client that looks forged from one that is merely unlike the others.
 * @param lower the score that a client with usual evidence does not exceed
 */
export function describeForm(evidence: readonly Strength[], lower: number): string {
  const form = evidence.filter(({ kind }) => !ofDirection.has(kind));
  const isUsual = Math.hypot(...form.map(({ deviations }) => deviations)) <= lower;
  return isUsual ? "an outlier of usual size and shape" : "looks forged";
}

function lengthOf(evidence: readonly Strength[]): number {
  return Math.hypot(...evidence.map(({ deviations }) => deviations));
}

/** Who else stands out like an undecided client. */
function othersWho(strongest: readonly Strength[]): string {
  return strongest[0]?.kind === "clique"
    ? "which colluders do, and honest clients with data of their own kind as well"
    : "which honest clients do as well";
}
