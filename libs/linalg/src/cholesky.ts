import { at } from "./at.js";
import { Matrix } from "./matrix.js";

/**
 * Upper triangular R with RᵀR = S (Golub and Van Loan, 4.2), by columns, so that inner loops run along memory. n³/3 flops.
 * @param s symmetric; its upper triangle is read
 * @returns undefined unless S is finite and positive definite to working precision
 * @throws RangeError if S is not square
 */
export function cholesky(s: Matrix): Matrix | undefined {
  const n = s.rows;
  if (s.cols !== n) throw new RangeError(`cholesky: expected a square matrix, got ${n}×${s.cols}`);
  const r = new Matrix(n, n);
  for (let j = 0; j < n; j++) {
    const column = r.column(j);
    for (let i = 0; i <= j; i++) {
      const other = r.column(i);
      let rest = at(s.data, i + j * n);
      for (let k = 0; k < i; k++) rest -= (column[k] as number) * (other[k] as number);
      if (i < j) column[i] = rest / at(other, i);
      else if (rest > 0 && rest < Infinity) column[j] = Math.sqrt(rest);
      else return undefined;
    }
  }
  return r;
}

/** X with RᵀR·X = B. @param r as `cholesky` returns it @param b n×m @throws RangeError if shapes do not fit */
export function choleskySolve(r: Matrix, b: Matrix): Matrix {
  requireTriangle(r, b);
  const x = b.copy();
  for (let c = 0; c < x.cols; c++) {
    const y = x.column(c);
    for (let j = 0; j < y.length; j++) {
      const column = r.column(j);
      let rest = at(y, j);
      for (let k = 0; k < j; k++) rest -= (column[k] as number) * (y[k] as number);
      y[j] = rest / at(column, j);
    }
  }
  return solveUpper(r, x);
}

/** X with R·X = B. @param r n×n upper triangular @param b n×m @throws RangeError if shapes do not fit */
export function solveUpper(r: Matrix, b: Matrix): Matrix {
  requireTriangle(r, b);
  const x = b.copy();
  for (let c = 0; c < x.cols; c++) {
    const y = x.column(c);
    for (let j = y.length - 1; j >= 0; j--) {
      const column = r.column(j);
      const value = at(y, j) / at(column, j);
      y[j] = value;
      for (let k = 0; k < j; k++) y[k] = (y[k] as number) - (column[k] as number) * value;
    }
  }
  return x;
}

function requireTriangle(r: Matrix, b: Matrix): void {
  if (r.rows === r.cols && r.rows === b.rows) return;
  throw new RangeError(`R⁻¹·B: ${r.rows}×${r.cols} and ${b.rows}×${b.cols} do not fit`);
}
