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
  zip,
} from "@fedclair/linalg";
import { innerProduct, type Factors } from "@fedclair/rules";
import { isFactored, normOf, type Change } from "../updates/change.js";
import type { SharedSpace } from "../space/projection.js";
import { computeExtraShares, type Refinement } from "./refine-module.js";

/** A change as one LoRA pair of a limited rank. */
export interface RankedPair {
  readonly pair: LowRank;
  /** The share of the change's energy that the pair's rank cannot hold, 0 … 1. */
  readonly tail: number;
}

/** A refined change as one LoRA pair. */
export interface RefinedPair extends RankedPair {
  /** |X_k − Π(X_k)|², the energy outside the space, which refining replaces. */
  readonly outside: number;
  /**
   * The part of `outside` that must be the client's own error for the refined change to be nearer
   * to the client's truth; see `computeLeastError`.
   */
  readonly leastError: number;
}

/** The best pair of a given rank. */
export interface BestPair extends Factors {
  /** The share of the energy that the rank cannot hold, 0 … 1. */
  readonly tail: number;
}

/**
 * Converts every client's refined change of one module to the best pair of the rank of the client's
 * own pair, with factors of equal weight. The refined change is Π(X_k) + M̂ plus s_k − 1 times
 * the common part.
 * @param changes changes of the same clients, in the same order
 * @param norms norms of the changes
 * @param weights weights of the clients in the mean M̂
 * @throws TypeError if the changes are dense
 */
export function toRefinedPairs(
  refinement: Refinement,
  changes: readonly Change[],
  norms: readonly number[],
  space: SharedSpace,
  weights: ArrayLike<number>,
): RefinedPair[] {
  const { inside, shared } = refinement;
  const { part } = refinement.common;
  const added = computeExtraShares(refinement);
  const factored = changes.filter(isFactored);
  if (!isFactored(shared) || !isFactored(part) || factored.length < changes.length) {
    throw new TypeError("only factored changes can be refined into pairs");
  }
  const ranks = factored.map(({ b }) => b.cols);
  const best = bestPairs(
    zip(inside, added).map(([own, more]) =>
      more === 0 ? [own, shared] : [own, shared, { b: part.b, a: part.a.scale(more) }],
    ),
    ranks,
    listSpans(factored, space),
  );
  const sharedEnergy = normOf(shared) ** 2;
  const partEnergy = added.every((more) => more === 0) ? 0 : normOf(part) ** 2;
  return zip(inside, factored).map(([own, change], k) => {
    const { b, a, tail } = item(best, k);
    const outside = Math.max(0, item(norms, k) ** 2 - normOf(own) ** 2);
    // the shared part lies outside the space, as O_k does
    const overlap = innerProduct(change, shared);
    const more = item(added, k);
    // The common part is the projection of the mean to some directions, so ⟨M̂, part⟩ = |part|².
    const extraEnergy =
      more === 0 ? 0 : more * ((2 + more) * partEnergy - 2 * innerProduct(change, part));
    const moved = Math.max(0, outside - 2 * overlap + sharedEnergy + extraEnergy);
    return {
      pair: { b: toTensor(b), a: toTensor(a) },
      tail,
      outside,
      leastError: computeLeastError(moved, (1 + more) * item(weights, k)),
    };
  });
}

/**
 * Computes the least error outside the space for which refining is a gain. Write X_k = T_k + E_k,
 * where T_k is what the client should have learnt and E_k its own error. Refining replaces O_k =
 * T'_k + E'_k outside the space by s·M̂, which contains w_k·O_k. If the error is independent of
 * everything else, |s·M̂ − T'_k|² has the expectation |O_k − s·M̂|² + |E'_k|² − 2·(1 −
 * s·w_k)·|E'_k|². This is below |E'_k|² if |E'_k|² exceeds the result.
 * @param moved |O_k − s·M̂|²
 * @param ownShare s·w_k
 */
function computeLeastError(moved: number, ownShare: number): number {
  return ownShare < 1 ? moved / (2 * (1 - ownShare)) : 0;
}

/**
 * Lists the factors that clients sent and the space. Together they span everything that refining
 * creates.
 */
function listSpans(factored: readonly Factors[], { left: u, right: v }: SharedSpace) {
  return {
    lefts: [...(u ? [u] : []), ...factored.map(({ b }) => b)],
    rights: [...(v ? [v] : []), ...factored.map(({ a }) => a.transpose())],
  };
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
