import { Matrix, stream } from "../src/index.js";

/** Standard normals, the same for the same shape and key. */
export function gaussian(rows: number, cols: number, key: string | number = 0): Matrix {
  const numbers = stream("linalg test").at(key, rows, cols);
  return new Matrix(rows, cols, numbers.normals(rows * cols));
}
