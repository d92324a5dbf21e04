import {
  at,
  item,
  mapNumbers,
  mean,
  medianDeviation,
  medianInPlace,
  normalQuantile,
  type Matrix,
  indices,
  pickNumbers,
  zeros,
} from "@fedclair/linalg";
import { listVoters } from "../measures/copies.js";
import { findNoiseSpread, type Residuals } from "../measures/residuals.js";
import {
  computeAgreement,
  computeSpread,
  haveFewNumbers,
  isMedianAtLeast,
  rounding,
  takeSampled,
  type ClientMeasures,
} from "../measures/measures.js";

/** The pieces of evidence, and what a large value of each means. */
export const pieceMeanings = {
  agreement: "agrees less with the others than they do with each other",
  opposed: "points the other way than the others",
  clique: "moves together with few others",
  size: "is large",
  shape: "spreads over unusually many or few directions",
  evenness: "has entries of unusual evenness",
  outside: "lies outside the space that the others share",
  moved: "is large for how far its factor A moved",
} as const;

export type PieceKind = keyof typeof pieceMeanings;

/** What a small value means, which counts over rounds. */
export const oppositeMeanings: Readonly<Record<PieceKind, string>> = {
  agreement: "agrees more with the others than they do with each other",
  opposed: "points the other way than the others",
  clique: "moves together with fewer others than usual",
  size: "is small",
  shape: pieceMeanings.shape,
  evenness: pieceMeanings.evenness,
  outside: "lies further inside the space that the others share than they do",
  moved: "is small for how far its factor A moved",
};

/** One piece of evidence about every client. */
export interface EvidencePiece {
  readonly kind: PieceKind;
  /** Large values count against a client. */
  readonly values: Float64Array;
  /** Whether small values count against a client as well. */
  readonly isTwoSided: boolean;
  /** A client's value in the unit that people know. */
  readonly measured: (k: number) => number;
  /** Whether training longer changes the value, so that its relation to size is taken out. */
  readonly growsWithSize: boolean;
  /** The deviation of honest clients, if a law gives it; otherwise the trusted clients show it. */
  readonly spread?: number | undefined;
  /** Whether it is evidence in one round; otherwise only its average over rounds is. */
  readonly countsOnce: boolean;
}

/** A larger median cosine counts as this one, so that rounding between copies is no evidence. */
const maxUsualCosine = 0.95;
/** Residuals of fewer independent directions are no noise. */
const minDirections = 100;
/** A smaller median cosine counts as this one: the clients have nothing in common. */
const minUsualCosine = 1e-3;
/** Median product of row spaces above which they started from one A₀; otherwise it is about 0. */
const minStartProduct = 0.3;

/**
 * Most pieces of evidence about low-rank pairs count for no more, and the upper threshold is never
 * below, so that none of them flags a client alone: every honest way to differ, such as the length
 * of the training or the kind of text, shows in one of them. Nor does a size count for more where
 * it explains other pieces.
 */
export const maxCounted = 4;

/** The pieces of evidence, relative to some trusted clients. */
export interface ComparedPieces {
  readonly pieces: readonly EvidencePiece[];
  /** Whether a space holds most of the trusted clients' energy. */
  readonly hasSpace: boolean;
  /** Whether what lies outside the space is noise, whose law is known. */
  readonly isNoise: boolean;
  /** Whether no single piece may flag a client: of pairs, in one round. */
  readonly isLimited: boolean;
  /** See `haveFewNumbers`. */
  readonly fewNumbers: boolean;
  /** See `ClientMeasures`. */
  readonly isDense: boolean;
}

/**
 * Computes the pieces of evidence, relative to the clients that are trusted; see
 * `createComparison`.
 * @param trusted at least three clients, ascending
 */
export function computePieces(
  measures: ClientMeasures,
  trusted: readonly number[],
): ComparedPieces {
  return createComparison(measures)(trusted);
}

/**
 * Prepares the comparison of clients with many sets of trusted clients. Where a space holds most of
 * the trusted clients' energy, as the paper assumes, they differ inside it as their data do.
 * Disagreeing there is then no evidence, but lying outside is.
 */
export function createComparison(
  measures: ClientMeasures,
): (trusted: readonly number[], agreement?: Float64Array) => ComparedPieces {
  const nearest = findNearest(measures);
  const { rowSpaces } = measures;
  const moving = rowSpaces && haveOneStart(rowSpaces) ? rowSpaces : undefined;
  const { residuals } = measures;
  const spread =
    residuals && residuals.directions >= minDirections ? findNoiseSpread(residuals) : undefined;
  const residual = residuals && spread !== undefined ? { ...residuals, spread } : undefined;
  return (trusted, agreement) =>
    compare(measures, { nearest, moving, residual }, trusted, agreement);
}

/** What does not depend on who is trusted. */
interface Compared {
  readonly nearest: Nearest;
  /** The row spaces, if they show how far the clients moved. */
  readonly moving: Matrix | undefined;
  /** What lies outside the space, if it is noise. */
  readonly residual: (Residuals & { readonly spread: number }) | undefined;
}

function compare(
  measures: ClientMeasures,
  { nearest, moving, residual }: Compared,
  trusted: readonly number[],
  known?: Float64Array,
): ComparedPieces {
  const { size, shape, evenness, outside, startsElsewhere } = measures;
  const { next, byChance } = nearest;
  const agreement = computeAgreement(measures, trusted, known);
  const usual = Math.min(medianInPlace(pickNumbers(agreement, trusted)), maxUsualCosine);
  // Cosines vary by 1 − c² if changes have a part in common: the larger it is, the less they vary.
  const common = Math.max(usual, 0);
  const room = 1 - common ** 2;
  // Cosines fall with the square of a distance: without a root, clients that are far from all
  // others would have large values by their distance alone.
  const unit = room / toDistance(common) / 2;
  const clique = mapNumbers(
    next,
    (x, k) => (toDistance(at(agreement, k) + at(byChance, k)) - toDistance(x)) / unit,
  );
  const moved = moving && computeMoves(moving, size, trusted, measures.sample);
  const hasSpace = medianInPlace(pickNumbers(outside, trusted)) <= halfOfEnergy;
  const all: EvidencePiece[] = [
    { kind: "clique", values: clique, measured: (k) => at(clique, k), ...plain },
    { kind: "size", values: size, measured: expOf(size), ...plain },
    { kind: "shape", values: shape, measured: expOf(shape), ...grown, isTwoSided: true },
  ];
  const measured = (k: number) => at(agreement, k);
  const apart = mapNumbers(agreement, (x) => -x / Math.max(usual, minUsualCosine) / room);
  const countsOnce = !hasSpace && doAgree(agreement, trusted, 1);
  all.push({ kind: "agreement", values: apart, measured, ...grown, countsOnce });
  if (!hasSpace && !measures.isDense && doAgree(agreement, trusted, maxCounted / 2)) {
    // 0 for clients that agree or are merely unlike the others, 1 for one that was turned round.
    const values = mapNumbers(agreement, (x) => Math.max(0, -x / Math.max(usual, minUsualCosine)));
    all.push({ kind: "opposed", values, measured, ...plain });
  }
  if (hasSpace && residual) {
    const own = { values: mapNumbers(residual.energies, Math.cbrt), measured: expOf(outside) };
    all.push({ kind: "outside", ...own, ...plain, isTwoSided: true, spread: residual.spread });
  } else if (hasSpace) {
    all.push({ kind: "outside", values: outside, measured: expOf(outside), ...plain });
  } else {
    const own = { values: evenness, measured: expOf(evenness) };
    all.push({ kind: "evenness", ...own, ...grown, isTwoSided: true });
  }
  if (moved) all.push({ kind: "moved", values: moved, measured: expOf(moved), ...grown });
  const pieces = startsElsewhere.includes(true)
    ? all.map((piece) => neutralise(piece, startsElsewhere, trusted))
    : all;
  const { isDense } = measures;
  const isNoise = hasSpace && residual !== undefined;
  const isLimited = !isDense;
  return { pieces, hasSpace, isNoise, isLimited, fewNumbers: haveFewNumbers(measures), isDense };
}

function expOf(values: Float64Array): (k: number) => number {
  return (k) => Math.exp(at(values, k));
}

/** The distance between two directions, √(1 − c) of their cosine, up to a factor. */
function toDistance(cosine: number): number {
  return Math.sqrt(Math.max(0, 1 - cosine));
}

const plain = { growsWithSize: false, countsOnce: true, isTwoSided: false };
const grown = { growsWithSize: true, countsOnce: true, isTwoSided: false };
/** ln of the tangent, 1, at which a space holds half of a change's energy. */
const halfOfEnergy = 0;

/**
 * Whether the trusted clients' agreement is more than some of its own deviations; up to one, it is
 * chance. A client that was turned round lies twice as far from the others.
 */
function doAgree(agreement: Float64Array, trusted: readonly number[], deviations: number): boolean {
  const own = pickNumbers(agreement, trusted);
  const middle = medianInPlace(own);
  return middle > deviations * medianDeviation(own, middle);
}

/** The pieces that compare a change with the others', which needs one A₀. */
const needsOneStart: ReadonlySet<PieceKind> = new Set([
  "agreement",
  "opposed",
  "clique",
  "outside",
  "moved",
]);

/** Gives clients that started from another A₀ the usual value where it would be no evidence. */
function neutralise(
  piece: EvidencePiece,
  startsElsewhere: readonly boolean[],
  trusted: readonly number[],
): EvidencePiece {
  if (!needsOneStart.has(piece.kind)) return piece;
  const middle = medianInPlace(pickNumbers(piece.values, trusted));
  return {
    ...piece,
    values: mapNumbers(piece.values, (x, k) => (item(startsElsewhere, k) ? middle : x)),
  };
}

interface Nearest {
  /** Mean cosine with the second and third nearest: two related clients are no clique. */
  readonly next: Float64Array;
  /**
   * How far `next` would be above the client's median cosine by chance, if its change has few
   * numbers: some directions are then always close to each other.
   */
  readonly byChance: Float64Array;
}

/** Finds the nearest others of each client, its own copies left out. */
function findNearest(measures: ClientMeasures): Nearest {
  const { cosines, groups, size } = measures;
  const voters = listVoters(groups, size);
  const next = zeros(cosines.rows);
  for (const k of indices(cosines.rows)) {
    const column = cosines.column(k);
    let [first, second, third] = [-Infinity, -Infinity, -Infinity];
    for (const j of voters) {
      if (groups[j] === groups[k]) continue;
      const x = at(column, j);
      if (x > first) [first, second, third] = [x, first, second];
      else if (x > second) [second, third] = [x, second];
      else if (x > third) third = x;
    }
    const nearest = [first, second, third].filter(Number.isFinite);
    // Two related clients are no clique, unless there are no others.
    const others = nearest.length > 1 ? nearest.slice(1) : nearest;
    next[k] = others.length === 0 ? 0 : mean(others);
  }
  const expected = expectNext(voters.length - 1);
  const byChance = haveFewNumbers(measures)
    ? mapNumbers(computeSpread(cosines), (x) => expected * x)
    : zeros(cosines.rows);
  return { next, byChance };
}

/**
 * The expected mean of the second and third largest of n standard normal numbers: the k-th is about
 * Φ⁻¹(1 − (k − 3/8)/(n + 1/4)) (Blom, 1958), here with k = 2.5. At least 0.
 */
function expectNext(n: number): number {
  return normalQuantile(Math.max(1 / 2, 1 - (2.5 - 3 / 8) / (n + 1 / 4)));
}

/** Whether the clients started from one A₀. */
function haveOneStart(rowSpaces: Matrix): boolean {
  return isMedianAtLeast(rowSpaces, minStartProduct);
}

/**
 * ln of |X| over how far the rows of A moved: a client whose update was scaled afterwards moved no
 * farther. The start is the mean of the trusted clients' row spaces.
 * @returns undefined if the clients did not train A
 */
function computeMoves(
  rowSpaces: Matrix,
  size: Float64Array,
  trusted: readonly number[],
  sample: readonly number[] | undefined,
): Float64Array | undefined {
  const some = takeSampled(trusted, sample);
  const n = some.length;
  const along = indices(rowSpaces.rows).map((k) => meanAt(some, (j) => rowSpaces.get(j, k)));
  const square = meanAt(some, (j) => item(along, j));
  const members = new Set(some);
  const moves = mapNumbers(size, (_, k) => {
    const apart = Math.max(0, rowSpaces.get(k, k) - 2 * item(along, k) + square);
    // The mean contains the client's own space, or varies by itself.
    return members.has(k) ? apart * (n / (n - 1)) : apart * (n / (n + 1));
  });
  const least = rounding * square; // a frozen A has not moved
  if (medianInPlace(pickNumbers(moves, trusted)) < least) return undefined;
  return mapNumbers(size, (x, k) => x - 0.5 * Math.log(Math.max(at(moves, k), least)));
}

function meanAt(some: readonly number[], valueAt: (k: number) => number): number {
  let total = 0;
  for (const k of some) total += valueAt(k);
  return total / some.length;
}
