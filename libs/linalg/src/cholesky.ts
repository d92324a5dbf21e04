import { Matrix } from "./matrix.js";

/**
 * Upper triangular R with RᵀR = S (Golub and Van Loan, 4.2), by columns, so that inner loops run along memory. n³/3 flops.
 * @param s symmetric; its upper triangle is read
 * @returns undefined unless S is positive definite to working precision: a pivot that is not positive, or NaN
 */
export function cholesky(s: Matrix): Matrix | undefined {
  const n = s.rows;
  const r = new Matrix(n, n);
  for (let j = 0; j < n; j++) {
    const column = r.column(j);
    for (let i = 0; i <= j; i++) {
      const other = r.column(i);
      let rest = s.data[i + j * n] ?? NaN;
      for (let k = 0; k < i; k++) rest -= (column[k] ?? NaN) * (other[k] ?? NaN);
      if (i < j) column[i] = rest / (other[i] ?? NaN);
      else if (rest > 0) column[j] = Math.sqrt(rest);
      else return undefined;
    }
  }
  return r;
}

/** X with RᵀR·X = B. @param r as `cholesky` returns it @param b n×m */
export function choleskySolve(r: Matrix, b: Matrix): Matrix {
  const x = b.copy();
  for (let c = 0; c < x.cols; c++) {
    const y = x.column(c);
    for (let j = 0; j < y.length; j++) {
      const column = r.column(j);
      let rest = y[j] ?? NaN;
      for (let k = 0; k < j; k++) rest -= (column[k] ?? NaN) * (y[k] ?? NaN);
      y[j] = rest / (column[j] ?? NaN);
    }
  }
  return solveUpper(r, x);
}

/** X with R·X = B. @param r n×n upper triangular @param b n×m */
export function solveUpper(r: Matrix, b: Matrix): Matrix {
  const x = b.copy();
  for (let c = 0; c < x.cols; c++) {
    const y = x.column(c);
    for (let j = y.length - 1; j >= 0; j--) {
      const column = r.column(j);
      const value = (y[j] ?? NaN) / (column[j] ?? NaN);
      y[j] = value;
      for (let k = 0; k < j; k++) y[k] = (y[k] ?? NaN) - (column[k] ?? NaN) * value;
    }
  }
  return x;
}
