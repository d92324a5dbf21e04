import type { LowRank } from "@fedclair/core";
import {
  addScaled,
  frobenius,
  hstack,
  leadingLeft,
  leadingSpace,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  norm,
  thinQr,
  thinSvd,
  item,
  zip,
} from "@fedclair/linalg";
import { stackFactors, toLowRank, type Factors } from "@fedclair/rules";
import { isFactored, type Change } from "../updates/change.js";

/** A change as one LoRA pair of a limited rank. */
export interface RankedPair {
  readonly pair: LowRank;
  /** The share of the change's energy that the pair's rank cannot hold, 0 … 1. */
  readonly tail: number;
}

/** The best pair of a given rank. */
export interface BestPair extends Factors {
  /** The share of the energy that the rank cannot hold, 0 … 1. */
  readonly tail: number;
}

/** Up to this number of rows the best space is computed exactly; above, by a few iterations. */
const fewRows = 256;

/**
 * Converts sums of factored changes to the best pairs of given ranks, in common coordinates.
 * @param sums sums of at least one change each, p×q
 * @param ranks ranks of the pairs; missing columns are filled with zeros
 * @param spans matrices whose columns span all factors B, p×n, and all Aᵀ, q×n
 */
export function bestPairs(
  sums: readonly (readonly Factors[])[],
  ranks: readonly number[],
  spans: { readonly lefts: readonly Matrix[]; readonly rights: readonly Matrix[] },
): BestPair[] {
  const left = thinQr(hstack(spans.lefts)).q;
  const right = thinQr(hstack(spans.rights)).q;
  const cores = new Map<Factors, Matrix>();
  const inCoordinates = (change: Factors) => {
    const { b, a } = change;
    const core = cores.get(change) ?? multiply(multiplyTN(left, b), multiply(a, right));
    cores.set(change, core);
    return core;
  };
  const count = new Map<Factors, number>();
  for (const change of sums.flat()) count.set(change, (count.get(change) ?? 0) + 1);
  return zip(sums, ranks).map(([changes, rank]) => {
    const sum = new Matrix(left.cols, right.cols);
    for (const change of changes) {
      addScaled(sum, 1, inCoordinates(change));
      // only cores that several sums share are kept
      if (count.get(change) === 1) cores.delete(change);
    }
    const wanted = Math.min(rank, sum.rows);
    const timesGram = (x: Matrix) => multiply(sum, multiplyTN(sum, x));
    const leading =
      sum.rows <= fewRows
        ? leadingLeft([sum], wanted)
        : leadingSpace(timesGram, multiplyTN(left, item(changes, 0).b), wanted, { restarts: 2 })
            .basis;
    const coefficients = multiplyTN(leading, sum);
    const { b, a } = compressLowRank(leading, coefficients, rank);
    const tail = computeTail(sum, coefficients);
    return padToRank({ b: multiply(left, b), a: multiplyNT(a, right), tail }, rank);
  });
}

/** Computes the best pair of a rank for a dense matrix; missing columns are filled with zeros. */
export function bestPair(whole: Matrix, rank: number): BestPair {
  const b = leadingLeft([whole], Math.min(rank, whole.rows));
  const a = multiplyTN(b, whole);
  return padToRank({ b, a, tail: computeTail(whole, a) }, rank);
}

/**
 * The share of the energy that is lost.
 * @param retained the retained part, possibly in other coordinates
 */
function computeTail(whole: Matrix, retained: Matrix): number {
  const energy = frobenius(whole);
  return energy === 0 ? 0 : Math.max(0, 1 - (frobenius(retained) / energy) ** 2);
}

/** Fills the factors with zeros up to a rank. */
function padToRank({ b, a, tail }: BestPair, rank: number): BestPair {
  return { b: padColumns(b, rank), a: padColumns(a.transpose(), rank).transpose(), tail };
}

/**
 * Computes the best rank-t approximation of B·A as factors of equal weight, without multiplying B·A
 * out. It uses thin QRs B = Q_B·R_B and Aᵀ = Q_A·R_A, and the SVD of R_B·R_Aᵀ.
 * @param b p×R
 * @param a R×q
 * @param t wanted rank ≥ 0; exact if it is at least the product's rank
 * @returns factors p×t and t×q (t at most R, p and q), and `tail`, the discarded share of the
 * energy |BA|_F², 0 … 1
 */
export function compressLowRank(b: Matrix, a: Matrix, t: number): BestPair {
  const left = thinQr(b);
  const right = thinQr(a.transpose());
  const { u, s, v } = thinSvd(multiplyNT(left.r, right.r));
  const rank = Math.min(t, s.length);
  for (let j = 0; j < rank; j++) {
    const root = Math.sqrt(item(s, j));
    u.column(j).forEach((x, i, column) => (column[i] = x * root));
    v.column(j).forEach((x, i, column) => (column[i] = x * root));
  }
  const energy = norm(s) ** 2;
  return {
    b: multiply(left.q, u.columns(0, rank)),
    a: multiply(right.q, v.columns(0, rank)).transpose(),
    tail: energy === 0 ? 0 : norm(s.subarray(rank)) ** 2 / energy,
  };
}

function padColumns(matrix: Matrix, cols: number): Matrix {
  return hstack([matrix, new Matrix(matrix.rows, cols - matrix.cols)]);
}

/** How much of its own change a client keeps, and how much of the mean of the others it gets. */
export interface Blend {
  readonly own: number;
  readonly others: number;
}

/**
 * Blends every client's change of one module with the mean of the other clients, as the best pair
 * of the rank of the client's own pair. A client without others keeps its own change.
 * @param changes changes of the clients
 * @param weights weights of the clients in the mean, summing to 1
 * @throws TypeError if the changes are dense
 */
export function blendChanges(
  changes: readonly Change[],
  weights: ArrayLike<number>,
  { own, others }: Blend,
): RankedPair[] {
  const factored = changes.filter(isFactored);
  if (factored.length < changes.length) {
    throw new TypeError("only factored changes can be blended into pairs");
  }
  const all = stackFactors(factored, weights);
  // Clients of equal weight share one object, which bestPairs converts once.
  const scaledAll = new Map<number, Factors>();
  const sums = factored.map((change, k): Factors[] => {
    const weight = item(weights, k);
    if (factored.length === 1 || weight >= 1) return [change];
    // The mean of the others is (all − weight · own) / (1 − weight).
    const share = others / (1 - weight);
    const scaled = scaledAll.get(share) ?? scale(all, share);
    scaledAll.set(share, scaled);
    return [scale(change, own - share * weight), scaled];
  });
  const best = bestPairs(
    sums,
    factored.map(({ b }) => b.cols),
    { lefts: factored.map(({ b }) => b), rights: factored.map(({ a }) => a.transpose()) },
  );
  return best.map(({ b, a, tail }) => ({ pair: toLowRank({ b, a }), tail }));
}

function scale({ b, a }: Factors, factor: number): Factors {
  return { b, a: a.scale(factor) };
}
