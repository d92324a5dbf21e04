import {
  readNumbers,
  isLowRank,
  type LowRank,
  type TensorDelta,
  type Tensor,
} from "@fedclair/core";
import {
  dot,
  gramNT,
  leadingLeft,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  norm,
  rowTriangle,
  thinSvd,
} from "@fedclair/linalg";

/** The Frobenius norm. For factors it is computed without forming b·a: |b·a|² = tr((bᵀb)(a·aᵀ)). */
export function measureNorm(update: TensorDelta): number {
  if (!isLowRank(update)) return norm(readNumbers(update));
  const b = asRowMatrix(update.b);
  const a = asRowMatrix(update.a);
  // With rounding, the square of a zero product may be slightly negative.
  return Math.sqrt(Math.max(0, dot(multiplyTN(b, b), gramNT(a))));
}

/** Reads a tensor as a matrix of its first extent by all others; a scalar is 1×1. */
export function asRowMatrix(tensor: Tensor): Matrix {
  const [rows = 1] = tensor.shape;
  const data = readNumbers(tensor);
  return Matrix.fromRowMajor(rows, data.length / rows, data);
}

/** Creates a tensor from `values`, row-major, with the shape and dtype of `like`. */
export function tensorLike(like: Tensor, values: Float64Array): Tensor {
  const { shape } = like;
  return {
    shape,
    data: readNumbers(like) instanceof Float32Array ? Float32Array.from(values) : values,
  };
}

/**
 * Creates a pair from the factors b (p×r) and a (r×q), with the dtypes of `like`, which has the
 * same shapes.
 */
export function pairLike(like: LowRank, b: Matrix, a: Matrix): LowRank {
  return { b: tensorLike(like.b, b.toRowMajor()), a: tensorLike(like.a, a.toRowMajor()) };
}

/**
 * A p×c matrix Y with the Gram matrix Y·Yᵀ = X·Xᵀ of the p×q change X. It is small for factors of
 * rank c, and X itself for a dense change.
 */
export function leftBlock(update: TensorDelta): Matrix {
  if (!isLowRank(update)) return asRowMatrix(update);
  return multiplyNT(asRowMatrix(update.b), rowTriangle(asRowMatrix(update.a)));
}

/**
 * Converts `values` to a change in the form of `like`: a tensor, or factors of the same rank whose
 * product is the best approximation of that rank.
 * @param values row-major, as `toFloat64` returns them
 */
export function changeLike(like: TensorDelta, values: Float64Array): TensorDelta {
  if (!isLowRank(like)) return tensorLike(like, values);
  const [p = 1] = like.b.shape;
  const x = Matrix.fromRowMajor(p, values.length / p, values);
  const basis = padColumns(leadingLeft([x], Math.min(p, rankOf(like))), rankOf(like));
  return pairLike(like, basis, multiplyTN(basis, x));
}

/**
 * The best approximation of b·a by factors in the form of `like`, computed without forming the
 * product.
 */
export function productLike(like: LowRank, b: Matrix, a: Matrix): LowRank {
  const block = multiplyNT(b, rowTriangle(a));
  const { u } = thinSvd(block);
  const basis = padColumns(u.columns(0, Math.min(u.cols, rankOf(like))), rankOf(like));
  return pairLike(like, basis, multiply(multiplyTN(basis, b), a));
}

export function rankOf({ b }: LowRank): number {
  return b.shape[1] ?? 1;
}

/**
 * Appends columns of zeros up to `cols`: a pair may have more columns than its product has
 * dimensions.
 */
function padColumns(basis: Matrix, cols: number): Matrix {
  const out = new Matrix(basis.rows, cols);
  out.data.set(basis.data);
  return out;
}
