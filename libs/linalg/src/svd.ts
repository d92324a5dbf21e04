import { blockOf, copyBlock, part, type Block } from "./block.js";
import { symmetricEigen } from "./eigen.js";
import { Matrix } from "./matrix.js";
import { multiply, multiplyTN } from "./multiply.js";
import { thinQr } from "./qr.js";
import { addressOf, withScratch } from "./scratch.js";
import { norm } from "./stats.js";

/** A = U·diag(s)·Vᵀ: U m×k, V n×k with orthonormal columns, s ≥ 0 in descending order, k = min(m, n). */
export interface ThinSvd {
  readonly u: Matrix;
  readonly s: Float64Array;
  readonly v: Matrix;
}

const maxSweeps = 60;
/** From this many columns on, preconditioning is faster than the sweeps it saves. */
const preconditionedFrom = 20;

/**
 * Thin singular value decomposition: QR, then one-sided Jacobi on the triangular factor (Demmel and Veselić, 1992), which
 * keeps tiny singular values accurate where a Gram matrix would lose them below 1e-8 of the largest. U and V are orthonormal also
 * where s is zero.
 * @throws Error if A is not finite
 */
export function thinSvd(a: Matrix): ThinSvd {
  if (a.rows < a.cols) {
    const { u, s, v } = thinSvd(a.transpose());
    return { u: v, s, v: u };
  }
  if (!a.data.every(Number.isFinite)) throw notConverged(a);
  const { q, r } = thinQr(a);
  // Rᵀ is lower triangular; its columns are closer to orthogonal than R's, and Jacobi needs fewer sweeps.
  const { work, right } = orthogonaliseColumns(r.transpose());

  const norms = Float64Array.from({ length: work.cols }, (_, j) => norm(work.column(j)));
  const order = Array.from(norms.keys()).sort((i, j) => (norms[j] ?? 0) - (norms[i] ?? 0));
  const s = Float64Array.from(order, (j) => norms[j] ?? 0);
  // work = V·diag(s) with orthogonal columns; a QR turns it into V even where s is zero.
  const { q: v, r: signs } = thinQr(pick(work, order));
  for (let j = 0; j < v.cols; j++) {
    if (signs.get(j, j) < 0) v.column(j).forEach((x, i, column) => (column[i] = -x));
  }
  return { u: multiply(q, pick(right, order)), s, v };
}

/** L·J of orthogonal columns, and the orthogonal J. */
function orthogonaliseColumns(l: Matrix): { work: Matrix; right: Matrix } {
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
    }
    throw notConverged(l);
  });
}

/**
 * A J that leaves few rotations to do: the eigenvectors of the Gram matrix, which knows the directions above 1e-8 of the largest
 * singular value. L·J costs no accuracy: like the rotations it errs by rounding of each row of L, i.e. each column of A.
 */
function rotationOf(l: Matrix): Matrix {
  if (l.cols < preconditionedFrom) return Matrix.identity(l.cols);
  return symmetricEigen(multiplyTN(l, l)).vectors;
}

function pick(a: Matrix, order: readonly number[]): Matrix {
  const out = new Matrix(a.rows, order.length);
  order.forEach((from, to) => {
    out.column(to).set(a.column(from));
  });
  return out;
}

function matrixOf(block: Block): Matrix {
  const out = new Matrix(block.rows, block.cols);
  copyBlock(blockOf(out), block);
  return out;
}

function notConverged({ rows, cols }: Matrix): Error {
  return new Error(`the SVD of a ${rows}×${cols} matrix did not converge: is every entry finite?`);
}
