import { Matrix, multiply } from "@fedclair/linalg";
import type { Tensor } from "./tensor.js";
import { isLowRank, type TensorDelta } from "./update.js";

/** @param tensor 2-D */
export function toMatrix({ shape: [rows = 0, cols = 0], data }: Tensor): Matrix {
  return Matrix.fromRowMajor(rows, cols, data);
}

/** A float64 tensor: nothing is lost. */
export function toTensor(matrix: Matrix): Tensor {
  return { shape: [matrix.rows, matrix.cols], data: matrix.toRowMajor() };
}

/** An update of one matrix, a low-rank pair multiplied out. */
export function toDense(update: TensorDelta): Matrix {
  return isLowRank(update) ? multiply(toMatrix(update.b), toMatrix(update.a)) : toMatrix(update);
}

/** The numbers of a change, row-major; a low-rank pair is multiplied out. */
export function toFloat64(update: TensorDelta): Float64Array {
  return isLowRank(update) ? toDense(update).toRowMajor() : Float64Array.from(update.data);
}
