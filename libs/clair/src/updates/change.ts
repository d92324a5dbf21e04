import { isLowRank, readNumbers, sizeOf, toFloat64, type TensorDelta } from "@fedclair/core";
import {
  addScaled,
  cholesky,
  dot,
  frobenius,
  gramTN,
  Matrix,
  multiplyNT,
  rowTriangle,
  subtract,
  thinQr,
  item,
} from "@fedclair/linalg";
import { innerProduct, stackFactors, toFactors, type Factors } from "@fedclair/rules";

/**
 * A client's change of one module. For each module, the changes of all clients are either factored
 * or dense.
 */
export type Change = Matrix | Factors;

export function isFactored(change: Change): change is Factors {
  return "b" in change;
}

/**
 * Converts a module to the change that is compared. A module of more than two axes becomes a
 * matrix, the first axis × the rest, as in the unfolding of a convolution.
 */
export function toChange(module: TensorDelta): Change {
  if (isLowRank(module)) return toFactors(module);
  const [rows = 0, ...rest] = module.shape;
  return Matrix.fromRowMajor(rows, sizeOf(rest), readNumbers(module));
}

/** Restores the module's own shape for a change of that matrix. */
export function toShape(change: TensorDelta, shape: readonly number[]): TensorDelta {
  return shape.length === 2 ? change : { shape, data: toFloat64(change) };
}

/** The space of the columns of X (left), or of its rows (right). */
export type Side = "left" | "right";

const compressed = { left: new WeakMap<Change, Matrix>(), right: new WeakMap<Change, Matrix>() };

/**
 * Computes a narrow block Y with X = Y·Qᵀ (left) or Xᵀ = Y·Qᵀ (right), where Q has orthonormal
 * columns. Y has the norm and the left singular vectors of X, and a factored X is not multiplied
 * out. The block is computed once for every change.
 */
export function compressChange(change: Change, side: Side): Matrix {
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
  return frobenius(isFactored(change) ? compressChange(change, "left") : change);
}

/** ⟨X, Y⟩ of two dense or two factored changes. */
export function innerOfChanges(x: Change, y: Change): number {
  if (isFactored(x) && isFactored(y)) return innerProduct(x, y);
  if (!isFactored(x) && !isFactored(y)) return dot(x, y);
  throw new TypeError("inner: a dense and a factored change");
}

/** Number of columns of a factor B; 0 for a dense change. */
export function factorRankOf(change: Change): number {
  return isFactored(change) ? change.b.cols : 0;
}

/** Changes of several clients, all factored or all dense. */
export interface ChangeList {
  readonly count: number;
  /** Dense changes may be read again each time, because all of them need not fit in memory. */
  readonly at: (k: number) => Change;
}

/** Lists changes that are in memory. */
export function listOf(changes: readonly Change[]): ChangeList {
  return { count: changes.length, at: (k) => item(changes, k) };
}

/**
 * Computes Σ w_k·X_k of at least one change. Factors are stacked and not multiplied out; dense
 * changes are read one after another.
 * @throws TypeError for dense and factored changes
 */
export function combineChanges({ count, at }: ChangeList, weights: ArrayLike<number>): Change {
  const first = at(0);
  if (isFactored(first)) {
    const all = Array.from({ length: count }, (_, k) => at(k)).filter(isFactored);
    if (all.length < count) throw new TypeError("combine: dense and factored changes");
    return stackFactors(all, weights);
  }
  const dense = (k: number) => {
    const change = k === 0 ? first : at(k);
    if (isFactored(change)) throw new TypeError("combine: dense and factored changes");
    return change;
  };
  return sumMatrices(count, dense, weights);
}

/** Computes Σ w_k·X_k of at least one matrix, all of the same shape. */
export function sumWeighted(matrices: readonly Matrix[], weights: ArrayLike<number>): Matrix {
  return sumMatrices(matrices.length, (k) => item(matrices, k), weights);
}

function sumMatrices(
  count: number,
  matrixAt: (k: number) => Matrix,
  weights: ArrayLike<number>,
): Matrix {
  const out = matrixAt(0).scale(item(weights, 0));
  for (let k = 1; k < count; k++) addScaled(out, item(weights, k), matrixAt(k));
  return out;
}

/**
 * Computes X − factor·Y.
 * @throws TypeError for a dense and a factored change
 */
export function subtractScaled(x: Change, factor: number, y: Change): Change {
  if (isFactored(x) && isFactored(y)) return stackFactors([x, y], [1, -factor]);
  if (!isFactored(x) && !isFactored(y)) return subtract(x, y, factor);
  throw new TypeError("subtractScaled: a dense and a factored change");
}

/**
 * The mean cosine, or the share of energy, from which on the part that clients have in common
 * counts as large.
 */
export const largeCommonPart = 0.3;

/** The share of the energy outside the common part that may lie along it by chance. */
const byChance = 0.1;

/**
 * Fits the scale at which a client's change contains the common part. The scale is above or below 1
 * for a client that took more or fewer steps, and may be 0. Subtracting the common part once from
 * everyone would leave this difference as the main source of variation. A scale that differs from 1
 * only by chance is returned as 1, so that the client's own part stays as it is.
 * @param square |X|² of the client's change
 * @param along ⟨X, M⟩
 * @param common |M|²
 * @returns s, for X − s·M
 */
export function fitCommonScale(square: number, along: number, common: number): number {
  if (common <= 0) return 0;
  const times = along / common;
  const beside = square - along * times;
  return (times - 1) ** 2 * common <= byChance * beside ? 1 : times;
}
