import {
  addScaled,
  cholesky,
  dot,
  frobenius,
  gramTN,
  Matrix,
  multiplyNT,
  rowTriangle,
  thinQr,
  item,
} from "@fedclair/linalg";
import { innerProduct, stackFactors, type Factors } from "../../factors.js";

/**
 * A client's change of one module. For each module, the changes of all clients are either factored
 * or dense.
 */
export type Change = Matrix | Factors;

export function isFactored(change: Change): change is Factors {
  return "b" in change;
}

/** The space of the columns of X (left), or of its rows (right). */
export type Side = "left" | "right";

const compressed = { left: new WeakMap<Change, Matrix>(), right: new WeakMap<Change, Matrix>() };

/**
 * Computes a narrow block Y with X = Y·Qᵀ (left) or Xᵀ = Y·Qᵀ (right), where Q has orthonormal
 * columns. Y has the norm and the left singular vectors of X, and a factored X is not multiplied
 * out. The block is computed once for every change.
 */
export function compress(change: Change, side: Side): Matrix {
  const known = compressed[side].get(change);
  if (known !== undefined) return known;
  const block = isFactored(change) ? ofFactors(change, side) : ofDense(change, side);
  compressed[side].set(change, block);
  return block;
}

function ofDense(change: Matrix, side: Side): Matrix {
  const block = side === "left" ? change : change.transpose();
  return block.cols < 2 * block.rows ? block : rowTriangle(block).transpose();
}

function ofFactors({ b, a }: Factors, side: Side): Matrix {
  const [own, other] = side === "left" ? [b, a.transpose()] : [a.transpose(), b];
  return multiplyNT(own, triangleOf(other));
}

/**
 * If the diagonal entries of R are above this share of the largest, the Gram matrix loses no more
 * than four of sixteen digits.
 */
const leastPivot = 1e-2;

/**
 * Computes R with RᵀR = MᵀM, by Cholesky, or by Householder if columns of M are nearly dependent,
 * which the Gram matrix would hide.
 */
export function triangleOf(columns: Matrix): Matrix {
  const r = cholesky(gramTN(columns));
  const pivots = Array.from({ length: columns.cols }, (_, j) => r?.get(j, j) ?? 0);
  const clear = Math.min(...pivots) > leastPivot * Math.max(...pivots);
  return r !== undefined && clear ? r : thinQr(columns).r;
}

/** |X|_F */
export function normOf(change: Change): number {
  return frobenius(isFactored(change) ? compress(change, "left") : change);
}

/** ⟨X, Y⟩ of two dense or two factored changes. */
export function inner(x: Change, y: Change): number {
  if (isFactored(x) && isFactored(y)) return innerProduct(x, y);
  if (!isFactored(x) && !isFactored(y)) return dot(x, y);
  throw new TypeError("inner: a dense and a factored change");
}

/** Number of columns of the widest factor B; 0 for dense changes. */
export function largestRank(changes: readonly Change[]): number {
  return Math.max(...changes.map((change) => (isFactored(change) ? change.b.cols : 0)));
}

/**
 * Computes Σ w_k·X_k of at least one change, all dense or all factored. Factors are stacked and not
 * multiplied out.
 */
export function combine(changes: readonly Change[], weights: ArrayLike<number>): Change {
  const factored = changes.filter(isFactored);
  if (factored.length === changes.length) return stackFactors(factored, weights);
  const dense = changes.filter((change): change is Matrix => !isFactored(change));
  if (dense.length < changes.length) throw new TypeError("combine: dense and factored changes");
  return weightedSum(dense, weights);
}

/** Computes Σ w_k·X_k of at least one matrix, all of the same shape. */
export function weightedSum(matrices: readonly Matrix[], weights: ArrayLike<number>): Matrix {
  return sumDense(matrices.length, (k) => item(matrices, k), weights);
}

/**
 * Computes Σ w_k·X_k of dense changes. They are read one after another, as all of them together may
 * not fit in memory.
 * @param count at least one
 * @throws TypeError for a factored change
 */
export function sumDense(
  count: number,
  changeAt: (k: number) => Change,
  weights: ArrayLike<number>,
): Matrix {
  let out: Matrix | undefined;
  for (let k = 0; k < count; k++) {
    const change = changeAt(k);
    if (isFactored(change)) throw new TypeError("sumDense: a factored change");
    out ??= new Matrix(change.rows, change.cols);
    addScaled(out, item(weights, k), change);
  }
  if (out === undefined) throw new RangeError("sumDense: expected at least one change");
  return out;
}

/** factor · X; for a factored change, A is scaled. */
export function scaled(change: Change, factor: number): Change {
  return isFactored(change) ? { b: change.b, a: change.a.scale(factor) } : change.scale(factor);
}
