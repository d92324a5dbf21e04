import { at } from "./at.js";
import { symmetricEigen } from "./eigen.js";
import { hstack, Matrix, subtract } from "./matrix.js";
import { multiply, multiplyTN } from "./multiply.js";
import { thinQr } from "./qr.js";
import { safeNorm } from "./scale-range.js";
import { stream } from "./stream.js";

/**
 * From this number of rows on, applying the operator costs more than testing for convergence after
 * every block.
 */
const manyRows = 1024;
/**
 * Number of blocks of a Krylov space before a restart. More blocks need more memory and
 * orthogonalisation, fewer need more applications.
 */
const maxBlocks = (rows: number) => (rows < manyRows ? 4 : 6);
/**
 * Number of extra directions in the iteration: the wider the gap to the next eigenvalue, the faster
 * the convergence.
 */
const spare = 3;

export interface Space {
  /** n×count, orthonormal columns by descending Ritz value. */
  readonly basis: Matrix;
  readonly converged: boolean;
}

/**
 * The space of the eigenvectors of the `count` largest eigenvalues of a positive semidefinite
 * operator, by block Krylov iteration with thick restarts (Golub and Van Loan, 10.3.6; Musco and
 * Musco, arXiv 1504.05477). It is meant for operators that are large, or known only through their
 * product with vectors, and for starts near the space.
 * @param apply computes G·X for an n×b block
 * @param start n×s, any columns near the space; random columns complete it
 * @param count 0 … n
 * @param restarts at least 1
 * @returns the best space found once the residual is at most 1e-13 of the largest eigenvalue, or
 * after `restarts`
 * @throws RangeError if `count` or `restarts` is out of range, or the operator returns a non-finite
 * number
 */
export function leadingSpace(
  apply: (x: Matrix) => Matrix,
  start: Matrix,
  count: number,
  { restarts }: { readonly restarts: number },
): Space {
  const n = start.rows;
  if (!Number.isInteger(count) || count < 0 || count > n) {
    throw new RangeError(`leadingSpace: expected a count of 0 to ${n}, got ${count}`);
  }
  if (!Number.isInteger(restarts) || restarts < 1) {
    throw new RangeError(`leadingSpace: expected at least 1 restart, got ${restarts}`);
  }
  let x = thinQr(completeStart(start, Math.min(n, count + spare))).q;
  for (let restart = 1; ; restart++) {
    for (const { isLast, ...krylov } of krylovSpaces(apply, x)) {
      // Never stop after the first block: it contains only the guess, which may be invariant
      // without being the leading space.
      if (!isLast && (n < manyRows || krylov.basis.cols === x.cols)) continue;
      const { space, vectors } = rayleighRitz(krylov, count);
      if (space.converged || (isLast && restart === restarts)) return space;
      if (isLast) x = multiply(krylov.basis, vectors.columns(0, x.cols));
    }
  }
}

interface Krylov {
  /** Orthonormal basis of [X, GX, G²X, …]. */
  readonly basis: Matrix;
  /** G times the basis. */
  readonly image: Matrix;
}

/** The Krylov spaces of X, each one block larger than the one before. */
function* krylovSpaces(
  apply: (x: Matrix) => Matrix,
  x: Matrix,
): Generator<Krylov & { readonly isLast: boolean }> {
  let basis = x;
  let last = apply(x);
  let image = last;
  for (let blocks = 1; ; blocks++) {
    const isLast = blocks === maxBlocks(x.rows) || basis.cols + x.cols > x.rows;
    yield { basis, image, isLast };
    if (isLast) return;
    const fresh = orthonormalAgainst(basis, last);
    last = apply(fresh);
    basis = hstack([basis, fresh]);
    image = hstack([image, last]);
  }
}

/** The best approximation within the Krylov space. */
function rayleighRitz(
  { basis, image }: Krylov,
  count: number,
): { readonly space: Space; readonly vectors: Matrix } {
  const { values, vectors } = symmetricEigen(symmetrise(multiplyTN(basis, image)));
  const wanted = vectors.columns(0, count);
  const ritz = multiply(basis, wanted);
  const residual = subtract(multiply(image, wanted), multiplyColumns(ritz, values));
  // `<=` instead of `<`: under a zero operator every space is invariant.
  const converged = safeNorm(residual.data) <= 1e-13 * (values[0] ?? 0);
  return { space: { basis: ritz, converged }, vectors };
}

/**
 * Orthonormalises a block against the basis. Two passes suffice; two more are needed after the QR,
 * which replaces vanished columns with arbitrary directions.
 */
function orthonormalAgainst(basis: Matrix, block: Matrix): Matrix {
  const removeBasis = (y: Matrix) => subtract(y, multiply(basis, multiplyTN(basis, y)));
  const { q } = thinQr(removeBasis(removeBasis(block)));
  return thinQr(removeBasis(removeBasis(q))).q;
}

function completeStart(start: Matrix, width: number): Matrix {
  if (start.cols >= width) return start.columns(0, width);
  const missing = width - start.cols;
  const random = stream("krylov start").normals(start.rows * missing);
  return hstack([start, new Matrix(start.rows, missing, random)]);
}

function multiplyColumns(a: Matrix, factors: Float64Array): Matrix {
  const out = a.copy();
  for (let j = 0; j < a.cols; j++) {
    const column = out.column(j);
    for (let i = 0; i < column.length; i++) column[i] = at(column, i) * at(factors, j);
  }
  return out;
}

function symmetrise(a: Matrix): Matrix {
  const t = a.transpose();
  return new Matrix(
    a.rows,
    a.cols,
    a.data.map((x, i) => (x + at(t.data, i)) / 2),
  );
}
