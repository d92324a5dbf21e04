import { toTensor, type LowRank } from "@fedclair/core";
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
} from "@fedclair/linalg";
import { innerProduct, type Factors } from "../../factors.js";
import { zip } from "../lists.js";
import { isFactored, normOf, type Change } from "../subspace/change.js";
import type { SharedSpace } from "../subspace/space.js";
import { computeExtraShares, type Refinement } from "./refine-module.js";

/** A refined change as one LoRA pair. */
export interface RefinedPair {
  readonly pair: LowRank;
  /** The share of the change's energy that the pair's rank cannot hold, 0 … 1. */
  readonly tail: number;
  /** |X_k − Π(X_k)|², the energy outside the space, which refining replaces. */
  readonly outside: number;
  /** How much of that must be error of the client's own for the refined change to be nearer to the client's truth; see `computeLeastError`. */
  readonly leastError: number;
}

/** The best pair of some rank. */
export interface BestPair extends Factors {
  /** The share of the energy that the rank cannot hold, 0 … 1. */
  readonly tail: number;
}

/**
 * Every client's Π(X_k) + c·M̂, and c·(s_k − 1) times the common part, of one module as the best pair of the rank that its own pair has, of factors of equal weight.
 * @param changes of the same clients, in their order
 * @param norms of the changes
 * @param weights of theirs in the mean M̂
 * @throws TypeError if the changes are dense
 */
export function toRefinedPairs(
  refinement: Refinement,
  changes: readonly Change[],
  norms: readonly number[],
  space: SharedSpace,
  weights: ArrayLike<number>,
): RefinedPair[] {
  const { inside, shared, share } = refinement;
  const { part } = refinement.common;
  const added = computeExtraShares(refinement);
  const factored = changes.filter(isFactored);
  if (!isFactored(shared) || !isFactored(part) || factored.length < changes.length) {
    throw new TypeError("only factored changes can be refined into pairs");
  }
  const ranks = factored.map(({ b }) => b.cols);
  const best =
    share > 0
      ? bestPairs(
          zip(inside, added).map(([own, more]) =>
            more === 0 ? [own, shared] : [own, shared, { b: part.b, a: part.a.scale(more) }],
          ),
          ranks,
          listSpans(factored, space),
        )
      : zip(inside, ranks).map(([own, rank]) =>
          padToRank(compressLowRank(own.b, own.a, rank), rank),
        );
  const sharedEnergy = share > 0 ? normOf(shared) ** 2 : 0;
  const partEnergy = added.every((more) => more === 0) ? 0 : normOf(part) ** 2;
  return zip(inside, factored).map(([own, change], k) => {
    const { b, a, tail } = item(best, k);
    const outside = Math.max(0, item(norms, k) ** 2 - normOf(own) ** 2);
    const overlap = share > 0 ? innerProduct(change, shared) : 0; // the shared part lies outside the space, as O_k does
    const more = item(added, k);
    // The common part is the mean's own in some directions: ⟨M̂, part⟩ = |part|².
    const longer =
      more === 0 ? 0 : more * ((2 * share + more) * partEnergy - 2 * innerProduct(change, part));
    const moved = Math.max(0, outside - 2 * overlap + sharedEnergy + longer);
    return {
      pair: { b: toTensor(b), a: toTensor(a) },
      ...{ tail, outside, leastError: computeLeastError(moved, (share + more) * item(weights, k)) },
    };
  });
}

/**
 * Of X_k = T_k + E_k, T_k what the client should have learnt and E_k its own error, refining replaces O_k = T'_k + E'_k outside the
 * space by s·c·M̂, in which w_k·O_k is. Of an error that is independent of all else |s·c·M̂ − T'_k|² has the expectation
 * |O_k − s·c·M̂|² + |E'_k|² − 2·(1 − s·c·w_k)·|E'_k|²; it is below |E'_k|², and so refining a gain, if |E'_k|² is more than this.
 * @param moved |O_k − s·c·M̂|²
 * @param ownShare s·c·w_k
 */
function computeLeastError(moved: number, ownShare: number): number {
  return ownShare < 1 ? moved / (2 * (1 - ownShare)) : 0;
}

/** The factors that clients sent, and the space, span all that refining makes. */
function listSpans(factored: readonly Factors[], { left: u, right: v }: SharedSpace) {
  return {
    lefts: [...(u ? [u] : []), ...factored.map(({ b }) => b)],
    rights: [...(v ? [v] : []), ...factored.map(({ a }) => a.transpose())],
  };
}

/** Up to so many rows the best space is found exactly; beyond, the best that a few iterations find. */
const fewRows = 256;

/**
 * Sums of factored changes, each as the best pair of some rank, in coordinates that serve them all.
 * @param sums each of at least one change, p×q
 * @param ranks of the pairs; those that have less are filled up with zeros
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
      if (count.get(change) === 1) cores.delete(change); // only what several share is retained
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

/** The best pair of a rank for a matrix that is multiplied out; filled up with zeros likewise. */
export function bestPair(whole: Matrix, rank: number): BestPair {
  const b = leadingLeft([whole], Math.min(rank, whole.rows));
  const a = multiplyTN(b, whole);
  return padToRank({ b, a, tail: computeTail(whole, a) }, rank);
}

/** @param kept what is kept of it, in other coordinates */
function computeTail(whole: Matrix, retained: Matrix): number {
  const energy = frobenius(whole);
  return energy === 0 ? 0 : Math.max(0, 1 - (frobenius(retained) / energy) ** 2);
}

/** With zeros for what a pair has less than a rank. */
function padToRank({ b, a, tail }: BestPair, rank: number): BestPair {
  return { b: padColumns(b, rank), a: padColumns(a.transpose(), rank).transpose(), tail };
}

/**
 * The best rank-t approximation of B·A, as factors of equal weight, without multiplying it out: thin QRs B = Q_B·R_B and
 * Aᵀ = Q_A·R_A, the SVD of R_B·R_Aᵀ, and back.
 * @param b p×R
 * @param a R×q
 * @param t wanted rank ≥ 0; exact if it is at least the product's rank
 * @returns factors p×t and t×q (t at most R, p and q), and `tail`, the share of the energy |BA|_F² that is discarded, 0 … 1
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
