import { at, item } from "./at.js";
import { toBlock, copyBlock, viewPart, type Block } from "./block.js";
import { symmetricEigen } from "./eigen.js";
import { Matrix } from "./matrix.js";
import { gramTN, multiply } from "./multiply.js";
import { householderQr, computeScaledQr } from "./qr.js";
import { findLargest, safeNorm, scaleTo } from "./scale-range.js";
import { addressOf, withScratch } from "./scratch.js";

/**
 * A = U·diag(s)·Vᵀ: U m×k, V n×k with orthonormal columns, s ≥ 0 in descending order, k = min(m,
 * n).
 */
export interface ThinSvd {
  readonly u: Matrix;
  readonly s: Float64Array;
  readonly v: Matrix;
}

const maxSweeps = 60;
/** Number of columns from which preconditioning is faster than the sweeps it saves. */
const preconditionedFrom = 20;
/**
 * If column lengths differ by more than this factor, Jacobi takes many sweeps unless the longest
 * column comes first.
 */
const farApart = 2 ** 64;
/**
 * Largest size, relative to the length of each row, at which a column counts as zero. Such a column
 * has no digits from 1e-16 on. Mere rounding leaves more than this, and converges by itself.
 */
const remnant = Number.EPSILON ** 4;

/**
 * Thin singular value decomposition: QR, then one-sided Jacobi on the triangular factor (Demmel and
 * Veselić, 1992). It keeps tiny singular values accurate that a Gram matrix would lose below 1e-8
 * of the largest. If the columns of A (its rows, if it is wide) are scaled columns of a
 * well-conditioned matrix, singular values keep all digits down to 1e-430 of the largest. U and V
 * are orthonormal even where s is zero. Results above 1.8e308 are Infinity.
 * @throws RangeError if A is not finite
 */
export function thinSvd(a: Matrix): ThinSvd {
  if (a.rows >= a.cols) return decomposeTall(a, "thinSvd");
  const { u, s, v } = decomposeTall(a.transpose(), "thinSvd, transposeBlock");
  return { u: v, s, v: u };
}

/**
 * @param method for the error message if A is not finite
 * @param isSorted whether the columns of A are sorted by descending length
 */
function decomposeTall(a: Matrix, method: string, isSorted = false): ThinSvd {
  const { q, r, scale } = computeScaledQr(a, method);
  const up = scaleTo(480, findLargest(r.data));
  // Rᵀ is lower triangular; its columns are closer to orthogonal than those of R, so Jacobi needs
  // fewer sweeps.
  const scaled = r.scale(up);
  const lengths = computeLengths(scaled);
  if (!isSorted && needsSorting(lengths)) {
    const order = descendingOrder(lengths);
    const { u, s, v } = decomposeTall(pick(a, order), method, true);
    return { u, s, v: moveRows(v, order) };
  }
  const { work, right } = orthogonaliseColumns(scaled.transpose(), lengths);

  const norms = computeLengths(work);
  const order = descendingOrder(norms);
  // work = V·diag(s) with orthogonal columns; a QR turns it into V even where s is zero.
  const { q: v, r: signs } = householderQr(pick(work, order));
  for (let j = 0; j < v.cols; j++) {
    if (signs.get(j, j) < 0) v.column(j).forEach((x, i, column) => (column[i] = -x));
  }
  const s = Float64Array.from(order, (j) => at(norms, j) / up / scale);
  return { u: multiply(q, pick(right, order)), s, v };
}

/**
 * Computes L·J with orthogonal columns, and the orthogonal J.
 * @param lengths of the rows of L, |entry| at most 2^480
 */
function orthogonaliseColumns(l: Matrix, lengths: Float64Array): { work: Matrix; right: Matrix } {
  const n = l.cols;
  const start = computeRotation(l);
  const rotated = multiply(l, start);
  return withScratch(({ kernels, block }) => {
    // L·J is stacked above J, so that J is rotated too.
    const height = n + (n % 2);
    const stack = block(2 * height, n);
    const work = viewPart(stack, 0, n, 0, n);
    const right = viewPart(stack, height, height + n, 0, n);
    copyBlock(work, toBlock(rotated));
    copyBlock(right, toBlock(start));
    const threshold = Number.EPSILON * Math.sqrt(n);
    for (let sweep = 0; sweep < maxSweeps; sweep++) {
      const hasRotated = kernels.jacobiSweep(addressOf(stack), stack.across, height, n, threshold);
      if (hasRotated === 0) return { work: toMatrix(work), right: toMatrix(right) };
      clearRemnants(work, lengths);
    }
    throw new Error(
      `the SVD of a ${l.rows}×${l.cols} matrix did not converge in ${maxSweeps} sweeps`,
    );
  });
}

/**
 * A start for J that leaves few rotations: the eigenvectors of the Gram matrix, which are accurate
 * for directions above 1e-8 of the largest singular value. L·J is as accurate as the rotations: its
 * error is the rounding of each row of L, a column of A.
 */
function computeRotation(l: Matrix): Matrix {
  if (l.cols < preconditionedFrom) return Matrix.identity(l.cols);
  return symmetricEigen(gramTN(l)).vectors;
}

/**
 * Clears columns that are only a remnant in every row, that is, the rounding error of a rotation.
 * Otherwise a column in the span of the others, such as exact zeros in L
 * cause, would shrink to 1e-16 of itself in every sweep and never become orthogonal to them.
 * @param lengths of the rows
 */
function clearRemnants({ data, offset, rows, cols, across }: Block, lengths: Float64Array): void {
  for (let j = 0; j < cols; j++) {
    const start = offset + j * across;
    let i = 0;
    while (i < rows && Math.abs(at(data, start + i)) <= remnant * at(lengths, i)) i++;
    if (i === rows) data.fill(0, start, start + rows);
  }
}

/**
 * Whether the column lengths differ widely and are not in descending order. Zero columns may be
 * anywhere.
 */
function needsSorting(lengths: Float64Array): boolean {
  let longest = 0;
  let shortest = Infinity;
  let isDescending = true;
  for (const length of lengths) {
    if (length === 0) continue;
    isDescending &&= length <= shortest;
    longest = Math.max(longest, length);
    shortest = Math.min(shortest, length);
  }
  return !isDescending && longest > farApart * shortest;
}

function computeLengths(a: Matrix): Float64Array {
  const lengths = new Float64Array(a.cols);
  for (let j = 0; j < a.cols; j++) lengths[j] = safeNorm(a.column(j));
  return lengths;
}

function descendingOrder(lengths: Float64Array): number[] {
  return Array.from(lengths.keys()).sort((i, j) => at(lengths, j) - at(lengths, i));
}

/** The columns `order`[0], `order`[1] … of A. */
function pick(a: Matrix, order: readonly number[]): Matrix {
  const out = new Matrix(a.rows, order.length);
  order.forEach((from, to) => {
    out.column(to).set(a.column(from));
  });
  return out;
}

/** Moves row i of A to row `order`[i]. */
function moveRows(a: Matrix, order: readonly number[]): Matrix {
  const out = new Matrix(a.rows, a.cols);
  for (let j = 0; j < a.cols; j++) {
    const column = out.column(j);
    a.column(j).forEach((x, i) => (column[item(order, i)] = x));
  }
  return out;
}

function toMatrix(block: Block): Matrix {
  const out = new Matrix(block.rows, block.cols);
  copyBlock(toBlock(out), block);
  return out;
}
