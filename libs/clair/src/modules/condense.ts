import { readNumbers, dtypeOf, toTensor, type LowRank, type Tensor } from "@fedclair/core";
import {
  addGramTN,
  at,
  cholesky,
  item,
  Matrix,
  multiply,
  solveUpper,
  sum,
  indices,
  zip,
} from "@fedclair/linalg";
import { sliceColumns } from "@fedclair/rules";
import { createCornerTensor } from "../updates/shared-memory.js";
import type { ModuleMeasures } from "../measures/measures.js";
import { findRowSpaces } from "../measures/row-space.js";
import { measureModule, sumEntrywiseProducts } from "../measures/module-measures.js";

/** The changes of one module in few coordinates, as float32 if all numbers were sent in float32. */
export interface Condensed {
  readonly pairs: readonly LowRank[];
  /** ⟨X_i, X_j⟩ of the changes X_k = B_k·A_k, K×K; absent if squares overflow. */
  readonly gram?: Matrix;
  /** The measures of the changes as they were sent. */
  readonly measures: ModuleMeasures;
  /** See `RowSpaces`. */
  readonly rowProducts: Matrix;
}

/**
 * Expresses the factors of one module in coordinates of the space that all of them span. B_k
 * becomes the n×r_k block of R with RᵀR = [B_1 … B_K]ᵀ[B_1 … B_K] and n = Σr_k; A_k is treated
 * alike. Inner products of changes do not change, and neither does anything that CLAIR computes
 * from them. For example, a module of 4096 rows that twenty clients changed with rank 8 is reduced
 * to 160 rows. Factors that have no more rows than n stay as they are.
 * @param pairs pairs of one module, at least one
 */
export function condense(pairs: readonly LowRank[]): Condensed {
  const bs = pairs.map(factorB);
  const as = pairs.map(factorA);
  const ofLeft = computeColumnGram(bs, buffers.left);
  const ofRight = computeColumnGram(as, buffers.right);
  const widths = widthsOf(bs);
  const rowSpaces = findRowSpaces(
    ofRight,
    widths.map(({ cols }) => cols),
  );
  const gram = sumEntrywiseProducts(sliceColumns(ofLeft, widths), sliceColumns(ofRight, widths));
  const lefts = reduceRows(bs, ofLeft) ?? pairs.map(({ b }) => b);
  const rights = reduceRows(as, ofRight) ?? pairs.map(({ a }) => a);
  return {
    pairs: zip(lefts, rights).map(([b, a]) => ({ b, a })),
    ...(gram.data.every(Number.isFinite) && { gram }),
    measures: measureModule(pairs, rowSpaces),
    rowProducts: rowSpaces.products,
  };
}

/**
 * Converts changes in condensed coordinates back to changes of the module.
 * @param condensed the pairs that `condense` returned for `pairs`
 * @param changes changes with factors in the spaces that the factors of the pairs span
 */
export function expandCondensed(
  pairs: readonly LowRank[],
  condensed: readonly LowRank[],
  changes: readonly LowRank[],
): LowRank[] {
  const lefts = restoreRows(pairs.map(factorB), condensed.map(factorB), changes.map(factorB));
  const rights = restoreRows(pairs.map(factorA), condensed.map(factorA), changes.map(factorA));
  return changes.map((change, k) => ({
    b: lefts === undefined ? change.b : toTensor(item(lefts, k)),
    a: rights === undefined ? change.a : toTensor(item(rights, k).transpose()),
  }));
}

/** A factor of a client with columns that span a space: B, or Aᵀ. */
interface Factor {
  /** Rows and columns of B, or of Aᵀ. */
  readonly shape: readonly number[];
  /** B, or A. */
  readonly tensor: Tensor;
  /** Is the tensor A, so that the numbers of a column are contiguous? */
  readonly isTransposed: boolean;
}

function factorB({ b }: LowRank): Factor {
  return { shape: b.shape, tensor: b, isTransposed: false };
}

function factorA({ a }: LowRank): Factor {
  const [rows = 0, cols = 0] = a.shape;
  return { shape: [cols, rows], tensor: a, isTransposed: true };
}

/**
 * Added to squared norms of 1 if the clients' factors are linearly dependent, for example with
 * copies.
 */
const ridge = 1e-14;

/** Column norms that are zero or within these bounds are well inside the range of float32. */
const [minNorm, maxNorm] = [1e-25, 1e25];

/**
 * Computes the triangle of the factors in fewer rows. Columns are normalised first, so that a
 * client with huge factors does not cost others digits; zero columns stay zero. If all factors came
 * in float32, float32 keeps all their digits in half of the memory.
 * @param gram Gram matrix of the factors' columns, which is overwritten
 * @returns B, or A, of every client; undefined if the factors are small already or numbers overflow
 */
function reduceRows(factors: readonly Factor[], gram: Matrix): Tensor[] | undefined {
  const n = gram.rows;
  const [rows = 0] = item(factors, 0).shape;
  if (rows <= n) return undefined;
  const norms = indices(n).map((j) => Math.sqrt(gram.get(j, j)));
  for (let j = 0; j < n; j++) {
    for (let i = 0; i <= j; i++) {
      const entry = i + j * n;
      gram.data[entry] = at(gram.data, entry) / (item(norms, i) || 1) / (item(norms, j) || 1);
    }
    if (item(norms, j) === 0) gram.data[j + j * n] = 1;
  }
  const triangle = cholesky(gram) ?? cholesky(addRidge(gram));
  if (triangle === undefined) return undefined;
  for (let j = 0; j < n; j++) scaleColumn(triangle.column(j), item(norms, j));
  const isSingle =
    factors.every(({ tensor }) => dtypeOf(tensor) === "f32") &&
    norms.every((norm) => norm === 0 || (norm > minNorm && norm < maxNorm));
  let filledRows = 0; // number of leading rows of a client's columns that are not zero
  return zip(factors, sliceColumns(triangle, widthsOf(factors))).map(
    ([{ isTransposed }, block]) => {
      const top = new Matrix((filledRows += block.cols), block.cols);
      for (let j = 0; j < top.cols; j++) top.column(j).set(block.column(j).subarray(0, filledRows));
      const { shape, data } = toTensor(isTransposed ? top.transpose() : top);
      return createCornerTensor({
        shape: isTransposed ? [block.cols, n] : [n, block.cols],
        corner: { shape, data: isSingle ? Float32Array.from(data) : data },
      });
    },
  );
}

function restoreRows(
  factors: readonly Factor[],
  condensed: readonly Factor[],
  changes: readonly Factor[],
): Matrix[] | undefined {
  const stack = stackColumns(factors);
  const triangle = stackColumns(condensed);
  if (triangle.rows === stack.rows) return undefined;
  const combinations = solveUpper(fillZeroPivots(triangle), stackColumns(changes));
  return sliceColumns(multiply(stack, combinations), widthsOf(changes));
}

function widthsOf(factors: readonly Factor[]): { readonly cols: number }[] {
  return factors.map(({ shape: [, cols = 0] }) => ({ cols }));
}

/**
 * A buffer that grows to the requested length and is reused. Allocating tens of megabytes for each
 * module costs as much as reading it.
 */
class ReusableBuffer {
  #data = new Float64Array();

  /** Returns a buffer of this length; its content is not cleared. */
  take(length: number): Float64Array {
    if (this.#data.length < length) this.#data = new Float64Array(length);
    return this.#data.subarray(0, length);
  }
}

const buffers = {
  stack: new ReusableBuffer(),
  left: new ReusableBuffer(),
  right: new ReusableBuffer(),
};

/** Number of rows of all factors that are in memory as float64 at a time. */
const slice = 1024;

/** Computes ⟨x, y⟩ of all columns x, y of the factors, in the upper triangle. */
function computeColumnGram(factors: readonly Factor[], room: ReusableBuffer): Matrix {
  const [rows = 0] = item(factors, 0).shape;
  const cols = sum(widthsOf(factors).map(({ cols }) => cols));
  const gram = new Matrix(cols, cols, room.take(cols * cols).fill(0));
  for (let from = 0; from < rows; from += slice) {
    addGramTN(gram, stackColumns(factors, from, Math.min(from + slice, rows), buffers.stack));
  }
  return gram;
}

/** Stacks rows `from` … `to` - 1 of the factors side by side. */
function stackColumns(
  factors: readonly Factor[],
  from = 0,
  to = item(factors, 0).shape[0] ?? 0,
  room = new ReusableBuffer(),
): Matrix {
  const rows = to - from;
  const cols = sum(widthsOf(factors).map(({ cols }) => cols));
  const stack = new Matrix(rows, cols, room.take(rows * cols));
  let first = 0;
  for (const { shape, tensor, isTransposed } of factors) {
    const data = readNumbers(tensor);
    const [all = 0, cols = 0] = shape;
    const own = stack.columns(first, (first += cols));
    if (isTransposed) {
      for (let j = 0; j < cols; j++) own.column(j).set(data.subarray(from + j * all, to + j * all));
    } else {
      for (let i = 0, s = from * cols; i < rows; i++) {
        for (let j = 0; j < cols; j++, s++) own.data[i + j * rows] = data[s] as number;
      }
    }
  }
  return stack;
}

/**
 * Sets the missing pivots of zero columns to 1. Any value would do, because nothing depends on
 * them.
 */
function fillZeroPivots(triangle: Matrix): Matrix {
  const out = triangle.copy();
  for (let j = 0; j < out.cols; j++) if (out.get(j, j) === 0) out.data[j + j * out.rows] = 1;
  return out;
}

function addRidge(gram: Matrix): Matrix {
  const out = gram.copy();
  for (let j = 0; j < gram.rows; j++) out.data[j + j * gram.rows] = gram.get(j, j) + ridge;
  return out;
}

function scaleColumn(column: Float64Array, factor: number): void {
  for (let i = 0; i < column.length; i++) column[i] = at(column, i) * factor;
}
