import { tensorOf, type LowRank } from "@fedclair/core";
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
import type { Refinement } from "./refine-module.js";

/** A refined change as one LoRA pair. */
export interface RefinedPair {
  readonly pair: LowRank;
  /** The share of the change's energy that the pair's rank cannot hold, 0 … 1. */
  readonly tail: number;
  /** |X_k − Π(X_k)|², the energy outside the space, which refining replaces. */
  readonly outside: number;
  /** How much of that must be error of the client's own for the refined change to be nearer to the client's truth; see `leastError`. */
  readonly leastError: number;
}

interface Compressed extends Factors {
  readonly tail: number;
}

/**
 * Every client's Π(X_k) + c·M̂ of one module as the best pair of the rank that its own pair has, of factors of equal weight. A pair is
 * filled up with zeros where the change has less.
 * @param changes of the same clients, in their order
 * @param weights of theirs in the mean M̂
 * @throws TypeError if the changes are dense
 */
export function asPairs(
  { inside, shared, share }: Refinement,
  changes: readonly Change[],
  space: SharedSpace,
  weights: ArrayLike<number>,
): RefinedPair[] {
  const sent = changes.filter(isFactored);
  if (!isFactored(shared) || sent.length < changes.length) {
    throw new TypeError("only factored changes can be refined into pairs");
  }
  const compress =
    share > 0
      ? withShared(shared, sent, space)
      : (own: Factors, rank: number) => compressLowRank(own.b, own.a, rank);
  const sharedEnergy = share > 0 ? normOf(shared) ** 2 : 0;
  return zip(inside, sent).map(([own, change], k) => {
    const rank = change.b.cols;
    const { b, a, tail } = compress(own, rank);
    const outside = Math.max(0, normOf(change) ** 2 - normOf(own) ** 2);
    const alike = share > 0 ? innerProduct(change, shared) : 0; // the shared part lies outside the space, as O_k does
    const moved = Math.max(0, outside - 2 * alike + sharedEnergy);
    return {
      pair: { b: tensorOf(widened(b, rank)), a: tensorOf(heightened(a, rank)) },
      ...{ tail, outside, leastError: leastError(moved, share * item(weights, k)) },
    };
  });
}

/**
 * Of X_k = T_k + E_k, T_k what the client should have learnt and E_k its own error, refining replaces O_k = T'_k + E'_k outside the
 * space by c·M̂, in which w_k·O_k is. Of an error that is independent of all else |c·M̂ − T'_k|² has the expectation
 * |O_k − c·M̂|² + |E'_k|² − 2·(1 − c·w_k)·|E'_k|²; it is below |E'_k|², and so refining a gain, if |E'_k|² is more than this.
 * @param moved |O_k − c·M̂|²
 * @param ownShare c·w_k, 0 … 1
 */
function leastError(moved: number, ownShare: number): number {
  return ownShare < 1 ? moved / (2 * (1 - ownShare)) : 0;
}

/** Up to so many rows the best space is found exactly; beyond, the best that a few iterations find. */
const fewRows = 256;

/** Compresses own + shared in coordinates that serve all clients: the factors that they sent, and the space, span all of it. */
function withShared(
  shared: Factors,
  sent: readonly Factors[],
  { left: u, right: v }: SharedSpace,
): (own: Factors, rank: number) => Compressed {
  const left = thinQr(hstack([...(u ? [u] : []), ...sent.map(({ b }) => b)])).q;
  const right = thinQr(hstack([...(v ? [v] : []), ...sent.map(({ a }) => a.transpose())])).q;
  const inCoordinates = ({ b, a }: Factors) => multiply(multiplyTN(left, b), multiply(a, right));
  const core = inCoordinates(shared);
  return (own, rank) => {
    const sum = inCoordinates(own);
    addScaled(sum, 1, core);
    const wanted = Math.min(rank, sum.rows);
    const timesGram = (x: Matrix) => multiply(sum, multiplyTN(sum, x));
    const leading =
      sum.rows <= fewRows
        ? leadingLeft([sum], wanted)
        : leadingSpace(timesGram, multiplyTN(left, own.b), wanted, { restarts: 2 }).basis;
    const coefficients = multiplyTN(leading, sum);
    const { b, a } = compressLowRank(leading, coefficients, rank);
    const [whole, kept] = [frobenius(sum), frobenius(coefficients)];
    const tail = whole === 0 ? 0 : Math.max(0, 1 - (kept / whole) ** 2);
    return { b: multiply(left, b), a: multiplyNT(a, right), tail };
  };
}

/**
 * The best rank-t approximation of B·A, as factors of equal weight, without multiplying it out: thin QRs B = Q_B·R_B and
 * Aᵀ = Q_A·R_A, the SVD of R_B·R_Aᵀ, and back.
 * @param b p×R
 * @param a R×q
 * @param t wanted rank ≥ 0; exact if it is at least the product's rank
 * @returns factors p×t and t×q (t at most R, p and q), and `tail`, the share of the energy |BA|_F² that is discarded, 0 … 1
 */
export function compressLowRank(b: Matrix, a: Matrix, t: number): Compressed {
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

function widened(matrix: Matrix, cols: number): Matrix {
  return hstack([matrix, new Matrix(matrix.rows, cols - matrix.cols)]);
}

function heightened(matrix: Matrix, rows: number): Matrix {
  return widened(matrix.transpose(), rows).transpose();
}
