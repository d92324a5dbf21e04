import {
  addScaled,
  cholesky,
  dot,
  frobenius,
  gramTN,
  Matrix,
  multiplyNT,
  thinQr,
  item,
} from "@fedclair/linalg";
import { innerProduct, stackFactors, type Factors } from "../../factors.js";

/** A client's change of one module. Of one module, either all clients' changes are factored or all are dense. */
export type Change = Matrix | Factors;

export function isFactored(change: Change): change is Factors {
  return "b" in change;
}

/** The space of X's columns, or that of its rows. */
export type Side = "left" | "right";

const compressed = { left: new WeakMap<Change, Matrix>(), right: new WeakMap<Change, Matrix>() };

/**
 * A narrow block Y with X = Y·Qᵀ (left) or Xᵀ = Y·Qᵀ (right), Q of orthonormal columns: norms and left singular vectors
 * of Y are those of X, and a factored X is never multiplied out. Computed once for every change.
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
  return block.cols < 2 * block.rows ? block : thinQr(block.transpose()).r.transpose();
}

function ofFactors({ b, a }: Factors, side: Side): Matrix {
  const [own, other] = side === "left" ? [b, a.transpose()] : [a.transpose(), b];
  return multiplyNT(own, triangleOf(other));
}

/** Diagonal entries of R above this share of the largest lose no more than four of sixteen digits to the Gram matrix. */
const leastPivot = 1e-2;

/** R with RᵀR = MᵀM: Cholesky's; or Householder's if columns of M are nearly dependent, which its Gram matrix would hide. */
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

/** ⟨X, Y⟩ of changes of one kind. */
export function inner(x: Change, y: Change): number {
  if (isFactored(x) && isFactored(y)) return innerProduct(x, y);
  if (!isFactored(x) && !isFactored(y)) return dot(x, y);
  throw new TypeError("inner: a dense and a factored change");
}

/** Columns of the widest factor B; 0 of dense changes. */
export function largestRank(changes: readonly Change[]): number {
  return Math.max(...changes.map((change) => (isFactored(change) ? change.b.cols : 0)));
}

/** Σ w_k·X_k of changes of one kind, at least one: factors are stacked, never multiplied out. */
export function combine(changes: readonly Change[], weights: ArrayLike<number>): Change {
  const factored = changes.filter(isFactored);
  if (factored.length === changes.length) return stackFactors(factored, weights);
  const dense = changes.filter((change): change is Matrix => !isFactored(change));
  if (dense.length < changes.length) throw new TypeError("combine: dense and factored changes");
  return weightedSum(dense, weights);
}

/** Σ w_k·X_k of matrices of one shape, at least one. */
export function weightedSum(matrices: readonly Matrix[], weights: ArrayLike<number>): Matrix {
  const { rows, cols } = item(matrices, 0);
  const out = new Matrix(rows, cols);
  for (const [k, matrix] of matrices.entries()) addScaled(out, item(weights, k), matrix);
  return out;
}

/** factor · X; of factors, A is scaled. */
export function scaled(change: Change, factor: number): Change {
  return isFactored(change) ? { b: change.b, a: change.a.scale(factor) } : change.scale(factor);
}
