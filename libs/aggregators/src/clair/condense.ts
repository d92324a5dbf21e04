import { tensorOf, type LowRank, type Tensor } from "@fedclair/core";
import {
  at,
  cholesky,
  item,
  Matrix,
  multiply,
  multiplyTN,
  solveUpper,
  sum,
} from "@fedclair/linalg";
import { columnsOf } from "../factors.js";
import { indices } from "./lists.js";

/**
 * The factors of one module in coordinates of the space that all of them span: B_k becomes the n×r_k block of R, RᵀR =
 * [B_1 … B_K]ᵀ[B_1 … B_K], n = Σr_k; A_k alike. All inner products of changes stay, and so all that CLAIR computes: a
 * module of 4096 rows that twenty clients changed by rank 8 has 160. Sides that have no more rows than that stay as they are.
 * @param pairs of one module, at least one
 */
export function condense(pairs: readonly LowRank[]): LowRank[] {
  const lefts = inFewRows(pairs.map(({ b }) => b));
  const rights = inFewRows(pairs.map(({ a }) => transposed(a)));
  return pairs.map((pair, k) => ({
    b: lefts === undefined ? pair.b : tensorOf(item(lefts, k)),
    a: rights === undefined ? pair.a : tensorOf(item(rights, k).transpose()),
  }));
}

/**
 * Turns changes in those coordinates back into changes of the module.
 * @param condensed what `condense` made of the pairs
 * @param changes whose factors lie in the spaces that those of the pairs span
 */
export function expand(
  pairs: readonly LowRank[],
  condensed: readonly LowRank[],
  changes: readonly LowRank[],
): LowRank[] {
  const lefts = inAllRows(
    pairs.map(({ b }) => b),
    condensed.map(({ b }) => b),
    changes.map(({ b }) => b),
  );
  const rights = inAllRows(
    pairs.map(({ a }) => transposed(a)),
    condensed.map(({ a }) => transposed(a)),
    changes.map(({ a }) => transposed(a)),
  );
  return changes.map((change, k) => ({
    b: lefts === undefined ? change.b : tensorOf(item(lefts, k)),
    a: rights === undefined ? change.a : tensorOf(item(rights, k).transpose()),
  }));
}

/** One factor of a client, whose columns span a space: B, or Aᵀ. */
interface Factor extends Tensor {
  /** Do the numbers of a column lie together? */
  readonly isTransposed?: boolean;
}

function transposed({ shape: [rows = 0, cols = 0], data }: Tensor): Factor {
  return { shape: [cols, rows], data, isTransposed: true };
}

/** Added to squared norms of 1 where clients' factors depend on one another, as those of copies do. */
const ridge = 1e-14;

/** As columns of unit norm, so that a client with enormous factors takes no digits from others; a zero column stays one. */
function inFewRows(factors: readonly Factor[]): Matrix[] | undefined {
  const stack = stackOf(factors);
  if (stack.rows <= stack.cols) return undefined;
  const gram = gramOf(stack);
  const n = gram.rows;
  const norms = indices(n).map((j) => Math.sqrt(gram.get(j, j)));
  for (let j = 0; j < n; j++) {
    for (let i = 0; i <= j; i++) {
      const entry = i + j * n;
      gram.data[entry] = at(gram.data, entry) / (item(norms, i) || 1) / (item(norms, j) || 1);
    }
    if (item(norms, j) === 0) gram.data[j + j * n] = 1;
  }
  const triangle = cholesky(gram) ?? cholesky(raised(gram));
  if (triangle === undefined) return undefined;
  for (let j = 0; j < n; j++) scale(triangle.column(j), item(norms, j));
  return columnsOf(triangle, widthsOf(factors));
}

function inAllRows(
  factors: readonly Factor[],
  condensed: readonly Factor[],
  changes: readonly Factor[],
): Matrix[] | undefined {
  const stack = stackOf(factors);
  const triangle = stackOf(condensed);
  if (triangle.rows === stack.rows) return undefined;
  const combinations = solveUpper(withoutZeros(triangle), stackOf(changes));
  return columnsOf(multiply(stack, combinations), widthsOf(changes));
}

function widthsOf(factors: readonly Factor[]): { readonly cols: number }[] {
  return factors.map(({ shape: [, cols = 0] }) => ({ cols }));
}

/** Side by side. */
function stackOf(factors: readonly Factor[]): Matrix {
  const [rows = 0] = item(factors, 0).shape;
  const stack = new Matrix(rows, sum(widthsOf(factors).map(({ cols }) => cols)));
  let first = 0;
  for (const { shape, data, isTransposed } of factors) {
    const [, cols = 0] = shape;
    const to = stack.columns(first, (first += cols)).data;
    if (isTransposed === true) to.set(data);
    else {
      for (let i = 0, s = 0; i < rows; i++) {
        for (let j = 0; j < cols; j++, s++) to[i + j * rows] = data[s] as number;
      }
    }
  }
  return stack;
}

/** Of a zero column the triangle has no pivot; nothing is made of it, so any will do. */
function withoutZeros(triangle: Matrix): Matrix {
  const out = triangle.copy();
  for (let j = 0; j < out.cols; j++) if (out.get(j, j) === 0) out.data[j + j * out.rows] = 1;
  return out;
}

/** Columns that are multiplied at once: of the lower triangle little is computed. */
const strip = 64;

/** The upper triangle of MᵀM. */
function gramOf(stack: Matrix): Matrix {
  const gram = new Matrix(stack.cols, stack.cols);
  for (let from = 0; from < stack.cols; from += strip) {
    const to = Math.min(from + strip, stack.cols);
    const product = multiplyTN(stack.columns(0, to), stack.columns(from, to));
    for (let j = from; j < to; j++) gram.column(j).set(product.column(j - from));
  }
  return gram;
}

function raised(gram: Matrix): Matrix {
  const out = gram.copy();
  for (let j = 0; j < gram.rows; j++) out.data[j + j * gram.rows] = gram.get(j, j) + ridge;
  return out;
}

function scale(column: Float64Array, factor: number): void {
  for (let i = 0; i < column.length; i++) column[i] = at(column, i) * factor;
}
