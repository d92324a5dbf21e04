import { Matrix } from "@fedclair/linalg";

/**
 * Lower triangular L with L·Lᵀ = s.
 * @param s symmetric; its lower triangle is read
 * @returns undefined unless s is positive definite
 */
export function cholesky(s: Matrix): Matrix | undefined {
  const size = s.rows;
  const factor = new Matrix(size, size);
  const l = factor.data;
  for (let j = 0; j < size; j++) {
    const column = factor.column(j);
    column.set(s.column(j).subarray(j), j);
    for (let k = 0; k < j; k++) {
      const previous = factor.column(k);
      const pivot = previous[j] ?? NaN;
      for (let i = j; i < size; i++) column[i] = (column[i] ?? NaN) - pivot * (previous[i] ?? NaN);
    }
    const diagonal = Math.sqrt(column[j] ?? NaN);
    if (!(diagonal > 0)) return undefined;
    for (let i = j; i < size; i++) l[i + j * size] = (column[i] ?? NaN) / diagonal;
  }
  return factor;
}

/** x with L·Lᵀ·x = b. @param factor L, of `cholesky` */
export function choleskySolve(factor: Matrix, b: Float64Array): Float64Array {
  const x = b.slice();
  for (let j = 0; j < x.length; j++) {
    const column = factor.column(j);
    const value = (x[j] ?? NaN) / (column[j] ?? NaN);
    x[j] = value;
    for (let i = j + 1; i < x.length; i++) x[i] = (x[i] ?? NaN) - value * (column[i] ?? NaN);
  }
  return solveTransposed(factor, x);
}

/** x with Lᵀ·x = b. @param factor L, of `cholesky` */
export function solveTransposed(factor: Matrix, b: Float64Array): Float64Array {
  const x = b.slice();
  for (let j = x.length - 1; j >= 0; j--) {
    const column = factor.column(j);
    let rest = x[j] ?? NaN;
    for (let i = j + 1; i < x.length; i++) rest -= (column[i] ?? NaN) * (x[i] ?? NaN);
    x[j] = rest / (column[j] ?? NaN);
  }
  return x;
}
