import type { Evidence } from "@fedclair/core";
import {
  at,
  mapNumbers,
  medianDeviation,
  medianInPlace,
  standardDeviation,
  pickNumbers,
  zeros,
} from "@fedclair/linalg";
import {
  createComparison,
  maxCounted,
  type ComparedPieces,
  type EvidencePiece,
  type PieceKind,
} from "./pieces.js";
import { listVoters } from "../measures/copies.js";
import type { ClientMeasures } from "../measures/measures.js";

/** Usual deviations between honest clients by piece, from a bank. */
export type Spreads = Readonly<Record<PieceKind, number>>;

/** The scores of the clients, with what they are made of. */
export interface EvidenceScores {
  /** The larger, the more suspicious; at least 0. */
  readonly scores: Float64Array;
  /** Deviations from the trusted clients by piece, then by client; at least 0. */
  readonly deviations: ReadonlyMap<PieceKind, Float64Array>;
  /** Signed deviations, without what training longer explains; they are averaged over rounds. */
  readonly signed: ReadonlyMap<PieceKind, Float64Array>;
  /** The measured values by piece, then by client, in the unit that people know. */
  readonly measured: ReadonlyMap<PieceKind, (k: number) => number>;
  /** The clients that the deviations are relative to, ascending. */
  readonly trusted: readonly number[];
  /** The least suspicious ones, from which the trusted ones were found. */
  readonly core: readonly number[];
  /** The clients that may be trusted: one of each group of copies, ascending. */
  readonly voters: readonly number[];
  /** Whether a space holds most of the trusted clients' energy. */
  readonly hasSpace: boolean;
  /** See `ComparedPieces`. */
  readonly isNoise: boolean;
  /** See `ComparedPieces`. */
  readonly isLimited: boolean;
  /** See `haveFewNumbers`. */
  readonly fewNumbers: boolean;
  /** See `ClientMeasures`. */
  readonly isDense: boolean;
}

/** Larger deviations count as this many, because the scale is unreliable there. */
const maxDeviations = 25;
/**
 * A client joins the trusted ones if its score is at most this, the length that 1 % of vectors of
 * six standard normal numbers exceed (χ² of 6 degrees of freedom, 16.8).
 */
const maxTrustedScore = 4;
/** The bank's spread counts as much as this many clients of the pile. */
const priorClients = 6;
/**
 * Deviations of the least suspicious half are too small by up to this factor plus one, because the
 * half was chosen for being close together.
 */
const trimmingBias = 1;
/** ln of the spread of sizes below which nothing is learnt about how a piece grows with size. */
const minSizeSpread = 0.15;
/** Fewer clients have no median and no spread. */
const minTrusted = 3;
/** One of this many clients, but at least one, changes sides at a time in the search. */
const clientsPerStep = 20;

/**
 * Scores clients by the length of the vector of their pieces of evidence, each in deviations of the
 * trusted clients; see `computeScore`. The trusted clients are found by removing the most
 * suspicious one again and again, down to just over half, and then adding back those that the
 * trusted ones explain, the nearest first.
 * @param measures of at least four clients
 * @param certain number of clients that are certainly benign; at least just over half
 */
export function scoreClients(
  measures: ClientMeasures,
  spreads: Spreads,
  certain = 0,
): EvidenceScores {
  const voters = listVoters(measures.groups, measures.size);
  return scorePieces(measures.size, voters, createComparison(measures), spreads, certain);
}

/**
 * Scores clients when some are trusted already, and trusts the clients that these explain as well.
 * @param agreement of the first clients with the trusted ones, if it has been computed
 */
export function scoreAgainst(
  measures: ClientMeasures,
  trusted: readonly number[],
  spreads: Spreads,
  agreement?: Float64Array,
): EvidenceScores {
  const voters = listVoters(measures.groups, measures.size);
  const compare = createComparison(measures);
  return extendTrust(measures.size, voters, (some) => compare(some, agreement), spreads, trusted);
}

/**
 * Scores clients by pieces of evidence; see `scoreClients`.
 * @param size ln of the norm of each client's change
 * @param voters clients that may be trusted, ascending
 * @param compare computes the pieces, relative to some trusted clients
 */
export function scorePieces(
  size: Float64Array,
  voters: readonly number[],
  compare: (trusted: readonly number[]) => ComparedPieces,
  spreads: Spreads,
  certain = 0,
): EvidenceScores {
  const count = voters.length;
  let trusted = voters;
  const least = Math.min(count, Math.max(minTrusted, Math.floor(count / 2) + 1, certain));
  while (trusted.length > least) {
    const squares = squareInSearch(size, compare(trusted), trusted, spreads);
    const leaving = stepSize(trusted.length, trusted.length - least);
    const leave = new Set(pickLargest(squares, trusted, leaving));
    trusted = trusted.filter((k) => !leave.has(k));
  }
  return extendTrust(size, voters, compare, spreads, trusted);
}

/** Adds those to the trusted clients that they explain, the nearest first, and scores all. */
function extendTrust(
  size: Float64Array,
  voters: readonly number[],
  compare: (trusted: readonly number[]) => ComparedPieces,
  spreads: Spreads,
  core: readonly number[],
): EvidenceScores {
  let trusted = core;
  for (;;) {
    const pieces = compare(trusted);
    const squares = squareInSearch(size, pieces, trusted, spreads);
    const inside = new Set(trusted);
    const near = voters.filter((k) => !inside.has(k) && at(squares, k) <= maxTrustedScore ** 2);
    if (near.length === 0) return { ...scoreAmong(size, pieces, trusted, spreads), core, voters };
    const nearness = mapNumbers(squares, (square) => -square);
    const joining = pickLargest(nearness, near, stepSize(trusted.length, near.length));
    trusted = [...trusted, ...joining].sort((i, j) => i - j);
  }
}

/** Picks the clients with the largest values; of equal ones, the first. */
function pickLargest(values: Float64Array, among: readonly number[], count: number): number[] {
  const sorted = pickNumbers(values, among).sort(); // without a comparison, so it is fast
  const least = at(sorted, among.length - count);
  // With a NaN, none is larger; the search must still make progress.
  const larger = among.filter((k) => !(at(values, k) <= least));
  const equal = among.filter((k) => at(values, k) === least);
  return [...larger, ...equal].slice(0, count);
}

/** One client at a time; among hundreds several, so that the number of passes stays small. */
function stepSize(trusted: number, most: number): number {
  return Math.min(most, Math.max(1, Math.floor(trusted / clientsPerStep)));
}

function scoreAmong(
  size: Float64Array,
  { pieces, ...kind }: ComparedPieces,
  trusted: readonly number[],
  spreads: Spreads,
): Omit<EvidenceScores, "core" | "voters"> {
  const deviations = new Map<PieceKind, Float64Array>();
  const signed = new Map<PieceKind, Float64Array>();
  const standardise = createStandard(size, trusted, spreads);
  for (const piece of pieces) {
    // A piece that does not count had no say in who is trusted.
    const own = standardise(piece, piece.countsOnce ? plainSpread : robustSpread);
    signed.set(piece.kind, own);
    if (!piece.countsOnce) continue;
    deviations.set(
      piece.kind,
      mapNumbers(own, (x) => deviationAgainst(x, piece)),
    );
  }
  const scores = mapNumbers(size, (_, k) => computeScore(deviations, k, kind));
  const measured = new Map(pieces.map((piece) => [piece.kind, piece.measured]));
  return { scores, deviations, signed, measured, trusted, ...kind };
}

/**
 * Squares of the clients' scores while the trusted ones are searched; contaminated ones may be
 * among them.
 */
function squareInSearch(
  size: Float64Array,
  { pieces }: ComparedPieces,
  trusted: readonly number[],
  spreads: Spreads,
): Float64Array {
  const squares = zeros(size.length);
  const standardise = createStandard(size, trusted, spreads);
  for (const piece of pieces) {
    if (!piece.countsOnce) continue;
    const deviations = standardise(piece, robustSpread);
    for (let k = 0; k < squares.length; k++)
      squares[k] = at(squares, k) + deviationAgainst(at(deviations, k), piece) ** 2;
  }
  return squares;
}

function deviationAgainst(x: number, { isTwoSided }: EvidencePiece): number {
  return Math.min(isTwoSided ? Math.abs(x) : Math.max(x, 0), maxDeviations);
}

/**
 * The length of a client's vector of evidence. Two pieces count in full: lying outside a shared
 * space, which is what the paper's decomposition finds, and pointing the other way where clients
 * agree, which no honest difference does. In a round, the agreement of pairs does not count,
 * because low agreement says unlike and not forged, and their other pieces count up to four
 * deviations each. Over rounds only their clique is limited so: a few rough copies can put anybody
 * into one. The pieces of dense changes count in full.
 * @param deviations by piece, then by client
 * @param except a piece that is left out
 */
export function computeScore(
  deviations: ReadonlyMap<PieceKind, Float64Array>,
  k: number,
  { isLimited, isDense }: Pick<ComparedPieces, "isLimited" | "isDense">,
  except?: PieceKind,
): number {
  const counted = (kind: PieceKind) => (kind === except ? 0 : (deviations.get(kind)?.[k] ?? 0));
  const most = isLimited ? maxCounted : Infinity;
  return Math.hypot(
    isLimited ? 0 : counted("agreement"),
    ...limitedPieces.map((kind) => Math.min(counted(kind), most)),
    Math.min(counted("clique"), isDense ? Infinity : maxCounted),
    counted("outside"),
    counted("opposed"),
  );
}

const limitedPieces = ["size", "shape", "evenness", "moved"] as const;

/**
 * The score of a client in a round: the length of its evidence, or, where what lies outside the
 * space is noise, how far that is beyond the law of noise, in the unit of the threshold.
 */
export function computeRoundScore(
  scores: Pick<EvidenceScores, "deviations" | "isLimited" | "isDense" | "isNoise">,
  k: number,
  { upper, noise }: { readonly upper: number; readonly noise: number },
  except?: PieceKind,
): number {
  const { deviations, isNoise } = scores;
  const score = computeScore(deviations, k, scores, except);
  const outside = isNoise ? (deviations.get("outside")?.[k] ?? 0) : 0;
  return outside > noise ? Math.max(score, (outside * upper) / noise) : score;
}

/** How far the trusted clients' values usually are from their middle. */
type SpreadOf = (own: Float64Array, middle: number) => number;

/** Is not misled by contaminated clients among the trusted ones. */
const robustSpread: SpreadOf = (own, middle) =>
  medianDeviation(own, middle) * Math.sqrt(own.length / (own.length - 1));

/** Shows groups of honest clients that a median deviation does not see. */
const plainSpread: SpreadOf = (own) => standardDeviation(own);

/**
 * Prepares the conversion of pieces to deviations from the trusted clients' median. The spread is
 * that of the trusted clients. If it is smaller than the bank's, it is moderated by it (as in
 * Smyth's moderated t, 2004), because few clients may be alike by chance.
 */
function createStandard(size: Float64Array, trusted: readonly number[], spreads: Spreads) {
  let withoutSize: ReturnType<typeof createSizeRemoval> | undefined;
  const n = trusted.length;
  const untrimmed = 1 + trimmingBias * (1 - n / size.length);
  return (
    { kind, values: sent, growsWithSize, spread: known }: EvidencePiece,
    spreadOf: SpreadOf,
  ): Float64Array => {
    const values = growsWithSize ? (withoutSize ??= createSizeRemoval(size, trusted))(sent) : sent;
    const own = pickNumbers(values, trusted);
    const middle = medianInPlace(own);
    const deviation = spreadOf(own, middle) * untrimmed;
    const prior = priorClients * spreads[kind] ** 2;
    const moderated = ((n / 2) * deviation ** 2 + prior) / (n / 2 + priorClients);
    const spread = known ?? Math.max(deviation, Math.sqrt(moderated));
    return mapNumbers(values, (x) => (x - middle) / spread);
  };
}

/** Takes out how values grow with size, by ridge regression over the trusted clients. */
function createSizeRemoval(size: Float64Array, trusted: readonly number[]) {
  const middleSize = medianInPlace(pickNumbers(size, trusted));
  const own = pickNumbers(size, trusted);
  // Otherwise a few clients of a size that nobody else has explain all that is odd about them.
  const most = maxCounted * Math.max(minSizeSpread, medianDeviation(own, middleSize));
  const larger = mapNumbers(size, (x) => Math.max(-most, Math.min(most, x - middleSize)));
  let square = trusted.length * minSizeSpread ** 2;
  for (const k of trusted) square += at(larger, k) ** 2;
  return (values: Float64Array): Float64Array => {
    const middle = medianInPlace(pickNumbers(values, trusted));
    let together = 0;
    for (const k of trusted) together += at(larger, k) * (at(values, k) - middle);
    const slope = together / square;
    return mapNumbers(values, (x, k) => x - slope * at(larger, k));
  };
}

/** The pieces of evidence about a client, the strongest first. */
export function listEvidence(
  { deviations, measured }: Pick<EvidenceScores, "deviations" | "measured">,
  k: number,
): (Evidence & { readonly kind: PieceKind })[] {
  return [...deviations]
    .map(([kind, own]) => ({
      kind,
      statistic: measured.get(kind)?.(k) ?? at(own, k),
      deviations: at(own, k),
    }))
    .sort((x, y) => y.deviations - x.deviations);
}
