import { Matrix, multiply } from "@fedclair/linalg";
import { readNumbers, type Dense, type Tensor } from "./tensor.js";
import { isLowRank, type TensorDelta } from "./update.js";

/** Converts a tensor with two extents. */
export function toMatrix(tensor: Tensor): Matrix {
  const [rows = 0, cols = 0] = tensor.shape;
  return Matrix.fromRowMajor(rows, cols, readNumbers(tensor));
}

/** Converts a matrix to a float64 tensor, without loss. */
export function toTensor(matrix: Matrix): Dense {
  return { shape: [matrix.rows, matrix.cols], data: matrix.toRowMajor() };
}

/** Converts the change of one matrix; a low-rank pair is multiplied out. */
export function toDense(update: TensorDelta): Matrix {
  return isLowRank(update) ? multiply(toMatrix(update.b), toMatrix(update.a)) : toMatrix(update);
}

/** Copies the numbers of a change, row-major; a low-rank pair is multiplied out. */
export function toFloat64(update: TensorDelta): Float64Array {
  return isLowRank(update) ? toDense(update).toRowMajor() : Float64Array.from(readNumbers(update));
}
