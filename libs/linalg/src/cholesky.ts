import { at, item } from "./at.js";
import { toBlock, viewPart, transposeBlock } from "./block.js";
import { Matrix } from "./matrix.js";
import { addProduct } from "./product.js";

/** Number of rows eliminated at once; the rest is matrix products. */
const panel = 32;
/**
 * Number of columns in one product; a narrow strip computes little below the diagonal, which is not
 * needed.
 */
const strip = 128;

/**
 * Upper triangular R with RᵀR = S (Golub and Van Loan, 4.2), by panels of rows. n³/3 flops.
 * @param s symmetric; only its upper triangle is read
 * @returns undefined unless S is finite and positive definite to working precision
 * @throws RangeError if S is not square
 */
export function cholesky(s: Matrix): Matrix | undefined {
  const n = s.rows;
  if (s.cols !== n) throw new RangeError(`cholesky: expected a square matrix, got ${n}×${s.cols}`);
  const r = s.copy();
  const whole = toBlock(r);
  for (let from = 0; from < n; from += panel) {
    const to = Math.min(from + panel, n);
    if (!factorRows(r, from, to)) return undefined;
    for (let left = to; left < n; left += strip) {
      const right = Math.min(left + strip, n);
      const above = transposeBlock(viewPart(whole, from, to, to, right));
      addProduct(
        viewPart(whole, to, right, left, right),
        above,
        viewPart(whole, from, to, left, right),
        -1,
      );
    }
  }
  for (let j = 0; j < n; j++) r.column(j).fill(0, j + 1);
  return r;
}

/**
 * Computes rows `from` … `to` - 1 of R; the contribution of all rows above must have been
 * subtracted.
 * @returns false if a pivot is not positive
 */
function factorRows(r: Matrix, from: number, to: number): boolean {
  const panelColumns = listColumns(r, from, to);
  for (let j = from; j < r.cols; j++) {
    const column = r.column(j);
    for (let i = from; i < Math.min(to, j + 1); i++) {
      const other = item(panelColumns, i - from);
      let rest = at(column, i);
      for (let k = from; k < i; k++) rest -= (column[k] as number) * (other[k] as number);
      if (i < j) column[i] = rest / at(other, i);
      else if (rest > 0 && rest < Infinity) column[j] = Math.sqrt(rest);
      else return false;
    }
  }
  return true;
}

/**
 * X with RᵀR·X = B.
 * @param r as `cholesky` returns it
 * @param b n×m
 * @throws RangeError if shapes do not fit
 */
export function choleskySolve(r: Matrix, b: Matrix): Matrix {
  requireTriangle(r, b);
  const x = b.copy();
  const columns = listColumns(r, 0, r.cols);
  for (let c = 0; c < x.cols; c++) {
    const y = x.column(c);
    for (let j = 0; j < y.length; j++) {
      const column = item(columns, j);
      let rest = at(y, j);
      for (let k = 0; k < j; k++) rest -= (column[k] as number) * (y[k] as number);
      y[j] = rest / at(column, j);
    }
  }
  return solveUpper(r, x);
}

/**
 * X with R·X = B.
 * @param r n×n upper triangular
 * @param b n×m
 * @throws RangeError if shapes do not fit
 */
export function solveUpper(r: Matrix, b: Matrix): Matrix {
  requireTriangle(r, b);
  const x = b.copy();
  const columns = listColumns(r, 0, r.cols);
  for (let c = 0; c < x.cols; c++) {
    const y = x.column(c);
    for (let j = y.length - 1; j >= 0; j--) {
      const column = item(columns, j);
      const value = at(y, j) / at(column, j);
      y[j] = value;
      for (let k = 0; k < j; k++) y[k] = (y[k] as number) - (column[k] as number) * value;
    }
  }
  return x;
}

/**
 * Views of columns `from` … `to` - 1. They are created once, because creating them for every pair
 * of columns would take most of the time.
 */
function listColumns(r: Matrix, from: number, to: number): Float64Array[] {
  return Array.from({ length: to - from }, (_, i) => r.column(from + i));
}

function requireTriangle(r: Matrix, b: Matrix): void {
  if (r.rows === r.cols && r.rows === b.rows) return;
  throw new RangeError(`R⁻¹·B: ${r.rows}×${r.cols} and ${b.rows}×${b.cols} do not fit`);
}
