import { Matrix, multiply } from "@fedclair/linalg";
import type { Tensor } from "./tensor.js";
import { isLowRank, type TensorDelta } from "./update.js";

/** @param tensor 2-D */
export function matrixOf({ shape: [rows = 0, cols = 0], data }: Tensor): Matrix {
  return Matrix.fromRowMajor(rows, cols, data);
}

/** A float64 tensor: nothing is lost. */
export function tensorOf(matrix: Matrix): Tensor {
  return { shape: [matrix.rows, matrix.cols], data: matrix.toRowMajor() };
}

/** An update of one matrix, a low-rank pair multiplied out. */
export function denseOf(update: TensorDelta): Matrix {
  return isLowRank(update) ? multiply(matrixOf(update.b), matrixOf(update.a)) : matrixOf(update);
}

/** The numbers of a change, row-major; a low-rank pair is multiplied out. */
export function valuesOf(update: TensorDelta): Float64Array {
  return isLowRank(update) ? denseOf(update).toRowMajor() : Float64Array.from(update.data);
}
