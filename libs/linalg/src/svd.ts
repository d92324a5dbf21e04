import { at, item } from "./at.js";
import { blockOf, copyBlock, part, type Block } from "./block.js";
import { symmetricEigen } from "./eigen.js";
import { Matrix } from "./matrix.js";
import { gramTN, multiply } from "./multiply.js";
import { householderQr, scaledQr } from "./qr.js";
import { largestOf, safeNorm, scaleTo } from "./range.js";
import { addressOf, withScratch } from "./scratch.js";

/** A = U·diag(s)·Vᵀ: U m×k, V n×k with orthonormal columns, s ≥ 0 in descending order, k = min(m, n). */
export interface ThinSvd {
  readonly u: Matrix;
  readonly s: Float64Array;
  readonly v: Matrix;
}

const maxSweeps = 60;
/** From this many columns on, preconditioning is faster than the sweeps it saves. */
const preconditionedFrom = 20;
/** Where columns lie further apart in length than this, Jacobi takes many sweeps unless the longest comes first. */
const farApart = 2 ** 64;
/**
 * What a column may have of the length of each row and still count as zero. It has no digits from 1e-16 on, but what mere
 * rounding leaves is larger than this, and comes to rest by itself.
 */
const remnant = Number.EPSILON ** 4;

/**
 * Thin singular value decomposition: QR, then one-sided Jacobi on the triangular factor (Demmel and Veselić, 1992), which
 * keeps tiny singular values accurate where a Gram matrix would lose them below 1e-8 of the largest. Where the columns of A
 * (its rows, if it is wide) are those of a well-conditioned matrix, each times a factor, singular values keep all digits
 * down to 1e-430 of the largest. U and V are orthonormal also where s is zero. What exceeds 1.8e308 is Infinity.
 * @throws RangeError if A is not finite
 */
export function thinSvd(a: Matrix): ThinSvd {
  if (a.rows >= a.cols) return svdOfTall(a, "thinSvd");
  const { u, s, v } = svdOfTall(a.transpose(), "thinSvd, transposed");
  return { u: v, s, v: u };
}

/**
 * @param method for the message, where A is not finite
 * @param isSorted whether the columns of A come by falling length
 */
function svdOfTall(a: Matrix, method: string, isSorted = false): ThinSvd {
  const { q, r, scale } = scaledQr(a, method);
  const up = scaleTo(480, largestOf(r.data));
  // Rᵀ is lower triangular; its columns are closer to orthogonal than R's, and Jacobi needs fewer sweeps.
  const scaled = r.scale(up);
  const lengths = lengthsOf(scaled);
  if (!isSorted && needSorting(lengths)) {
    const order = fallingOrder(lengths);
    const { u, s, v } = svdOfTall(pick(a, order), method, true);
    return { u, s, v: putRows(v, order) };
  }
  const { work, right } = orthogonaliseColumns(scaled.transpose(), lengths);

  const norms = lengthsOf(work);
  const order = fallingOrder(norms);
  // work = V·diag(s) with orthogonal columns; a QR turns it into V even where s is zero.
  const { q: v, r: signs } = householderQr(pick(work, order));
  for (let j = 0; j < v.cols; j++) {
    if (signs.get(j, j) < 0) v.column(j).forEach((x, i, column) => (column[i] = -x));
  }
  const s = Float64Array.from(order, (j) => at(norms, j) / up / scale);
  return { u: multiply(q, pick(right, order)), s, v };
}

/**
 * L·J of orthogonal columns, and the orthogonal J.
 * @param lengths of the rows of L, |entry| at most 2^480
 */
function orthogonaliseColumns(l: Matrix, lengths: Float64Array): { work: Matrix; right: Matrix } {
  const n = l.cols;
  const start = rotationOf(l);
  const rotated = multiply(l, start);
  return withScratch(({ kernels, block }) => {
    // L·J above J, which is rotated along.
    const height = n + (n % 2);
    const stack = block(2 * height, n);
    const work = part(stack, 0, n, 0, n);
    const right = part(stack, height, height + n, 0, n);
    copyBlock(work, blockOf(rotated));
    copyBlock(right, blockOf(start));
    const threshold = Number.EPSILON * Math.sqrt(n);
    for (let sweep = 0; sweep < maxSweeps; sweep++) {
      const turned = kernels.jacobiSweep(addressOf(stack), stack.across, height, n, threshold);
      if (turned === 0) return { work: matrixOf(work), right: matrixOf(right) };
      clearRemnants(work, lengths);
    }
    throw new Error(
      `the SVD of a ${l.rows}×${l.cols} matrix did not converge in ${maxSweeps} sweeps`,
    );
  });
}

/**
 * A J that leaves few rotations to do: the eigenvectors of the Gram matrix, which are good for directions above 1e-8 of the
 * largest singular value. L·J is as accurate as the rotations: it errs by rounding of each row of L, a column of A.
 */
function rotationOf(l: Matrix): Matrix {
  if (l.cols < preconditionedFrom) return Matrix.identity(l.cols);
  return symmetricEigen(gramTN(l)).vectors;
}

/**
 * Sets columns to zero of which only a remnant is left in every row: a rotation errs by rounding of each row. Left alone, a
 * column in the span of the others, as exact zeros in L make one, would shrink to 1e-16 of itself in every sweep and never
 * be orthogonal to them.
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

/** Whether columns of such lengths are far apart and do not come by falling length. Those that are zero may lie anywhere. */
function needSorting(lengths: Float64Array): boolean {
  let longest = 0;
  let shortest = Infinity;
  let falling = true;
  for (const length of lengths) {
    if (length === 0) continue;
    falling &&= length <= shortest;
    longest = Math.max(longest, length);
    shortest = Math.min(shortest, length);
  }
  return !falling && longest > farApart * shortest;
}

function lengthsOf(a: Matrix): Float64Array {
  const lengths = new Float64Array(a.cols);
  for (let j = 0; j < a.cols; j++) lengths[j] = safeNorm(a.column(j));
  return lengths;
}

function fallingOrder(lengths: Float64Array): number[] {
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

/** Row i of A becomes row `order`[i]. */
function putRows(a: Matrix, order: readonly number[]): Matrix {
  const out = new Matrix(a.rows, a.cols);
  for (let j = 0; j < a.cols; j++) {
    const column = out.column(j);
    a.column(j).forEach((x, i) => (column[item(order, i)] = x));
  }
  return out;
}

function matrixOf(block: Block): Matrix {
  const out = new Matrix(block.rows, block.cols);
  copyBlock(blockOf(out), block);
  return out;
}
