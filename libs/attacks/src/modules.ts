import { isLowRank, type LowRank, type TensorDelta, type Tensor } from "@fedclair/core";
import {
  dot,
  gramNT,
  leadingLeft,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  norm,
  thinQr,
  thinSvd,
} from "@fedclair/linalg";

/** Frobenius norm; of factors that of b·a without forming it: |b·a|² = tr((bᵀb)(a·aᵀ)). */
export function frobenius(update: TensorDelta): number {
  if (!isLowRank(update)) return norm(update.data);
  const b = asRowMatrix(update.b);
  const a = asRowMatrix(update.a);
  // Rounding may leave a product that is zero a little below it.
  return Math.sqrt(Math.max(0, dot(multiplyTN(b, b), gramNT(a))));
}

/** A tensor as its first extent by all others; a scalar is 1×1. */
export function asRowMatrix({ shape: [rows = 1], data }: Tensor): Matrix {
  return Matrix.fromRowMajor(rows, data.length / rows, data);
}

/** `values`, row-major, as a tensor of the shape and dtype of `like`. */
export function tensorLike(like: Tensor, values: Float64Array): Tensor {
  const { shape } = like;
  return { shape, data: like.data instanceof Float32Array ? Float32Array.from(values) : values };
}

/** The factors b (p×r) and a (r×q) with the dtypes of `like`, which has their shapes. */
export function pairLike(like: LowRank, b: Matrix, a: Matrix): LowRank {
  return { b: tensorLike(like.b, b.toRowMajor()), a: tensorLike(like.a, a.toRowMajor()) };
}

/** A p×c matrix with the Gram matrix Y·Yᵀ = X·Xᵀ of the p×q change X: small for factors of rank c, X itself if dense. */
export function leftBlock(update: TensorDelta): Matrix {
  if (!isLowRank(update)) return asRowMatrix(update);
  return multiplyNT(asRowMatrix(update.b), thinQr(asRowMatrix(update.a).transpose()).r);
}

/**
 * Makes `values` a change of the form of `like`: a tensor, or factors of the same rank whose product is the best
 * approximation that such a pair allows.
 * @param values row-major, as `valuesOf` gives them
 */
export function changeLike(like: TensorDelta, values: Float64Array): TensorDelta {
  if (!isLowRank(like)) return tensorLike(like, values);
  const [p = 1] = like.b.shape;
  const x = Matrix.fromRowMajor(p, values.length / p, values);
  const basis = widened(leadingLeft([x], Math.min(p, rankOf(like))), rankOf(like));
  return pairLike(like, basis, multiplyTN(basis, x));
}

/** The best approximation of b·a by factors of the form of `like`, without forming the product. */
export function productLike(like: LowRank, b: Matrix, a: Matrix): LowRank {
  const block = multiplyNT(b, thinQr(a.transpose()).r);
  const { u } = thinSvd(block);
  const basis = widened(u.columns(0, Math.min(u.cols, rankOf(like))), rankOf(like));
  return pairLike(like, basis, multiply(multiplyTN(basis, b), a));
}

export function rankOf({ b }: LowRank): number {
  return b.shape[1] ?? 1;
}

/** With columns of zeros up to `cols`: a pair may have more of them than its product has dimensions. */
function widened(basis: Matrix, cols: number): Matrix {
  const out = new Matrix(basis.rows, cols);
  out.data.set(basis.data);
  return out;
}
