import type { Params, Tensor } from "@fedclair/core";
import { Matrix } from "@fedclair/linalg";

/** @throws Error if the params lack it: then the phases came in the wrong order */
export function paramOf(params: Params, name: string): Tensor {
  const tensor = params.get(name);
  if (tensor === undefined) throw new Error(`evaluation-bias: params without \`${name}\``);
  return tensor;
}

export function matrixOf({ shape: [rows = 0, cols = 0], data }: Tensor): Matrix {
  return Matrix.fromRowMajor(rows, cols, data);
}

export function tensorOf(matrix: Matrix): Tensor {
  return { shape: [matrix.rows, matrix.cols], data: matrix.toRowMajor() };
}
