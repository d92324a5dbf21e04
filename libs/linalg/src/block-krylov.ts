import { at } from "./at.js";
import { symmetricEigen } from "./eigen.js";
import { hstack, Matrix, subtract } from "./matrix.js";
import { multiply, multiplyTN } from "./multiply.js";
import { thinQr } from "./qr.js";
import { safeNorm } from "./range.js";
import { stream } from "./stream.js";

/** From this many rows on, applying the operator costs more than testing for convergence after every block. */
const manyRows = 1024;
/** Blocks of a Krylov space before a restart: more take memory and orthogonalisation, fewer take more applications. */
const depthOf = (rows: number) => (rows < manyRows ? 4 : 6);
/** Extra directions that are iterated along: the wider the gap to what is left out, the faster the convergence. */
const spare = 3;

export interface Space {
  /** n×count, orthonormal columns by falling Ritz value. */
  readonly basis: Matrix;
  readonly converged: boolean;
}

/**
 * The space of the eigenvectors of the `count` largest eigenvalues of a positive semidefinite operator, by block Krylov
 * iteration with thick restarts (Golub and Van Loan, 10.3.6; Musco and Musco, arXiv 1504.05477). Meant for operators that
 * are large, or known only by what they do to a vector, and for starts that are near the space.
 * @param apply G·X of an n×b block
 * @param start n×s, any columns near the space; random ones complete it
 * @param count 0 … n
 * @param restarts at least 1
 * @returns the best space found when the residual is at most 1e-13 of the largest eigenvalue, or after `restarts`
 * @throws RangeError if `count` or `restarts` is not such a number, or what the operator returns is not finite
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
  let x = thinQr(completed(start, Math.min(n, count + spare))).q;
  for (let restart = 1; ; restart++) {
    for (const { isLast, ...krylov } of krylovSpaces(apply, x)) {
      // Not after the first block in any case: it holds the guess only, which may be invariant and not the leading space.
      if (!isLast && (n < manyRows || krylov.basis.cols === x.cols)) continue;
      const { space, vectors } = rayleighRitz(krylov, count);
      if (space.converged || (isLast && restart === restarts)) return space;
      if (isLast) x = multiply(krylov.basis, vectors.columns(0, x.cols));
    }
  }
}

interface Krylov {
  /** Orthonormal, of [X, GX, G²X, …]. */
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
    const isLast = blocks === depthOf(x.rows) || basis.cols + x.cols > x.rows;
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
  const { values, vectors } = symmetricEigen(symmetrised(multiplyTN(basis, image)));
  const wanted = vectors.columns(0, count);
  const ritz = multiply(basis, wanted);
  const residual = subtract(multiply(image, wanted), scaledColumns(ritz, values));
  // Not `<`: under a zero operator every space is invariant.
  const converged = safeNorm(residual.data) <= 1e-13 * (values[0] ?? 0);
  return { space: { basis: ritz, converged }, vectors };
}

/** Two passes suffice; two more after the QR, which puts arbitrary directions in place of columns that vanished. */
function orthonormalAgainst(basis: Matrix, block: Matrix): Matrix {
  const cleaned = (y: Matrix) => subtract(y, multiply(basis, multiplyTN(basis, y)));
  const { q } = thinQr(cleaned(cleaned(block)));
  return thinQr(cleaned(cleaned(q))).q;
}

function completed(start: Matrix, width: number): Matrix {
  if (start.cols >= width) return start.columns(0, width);
  const missing = width - start.cols;
  const random = stream("krylov start").normals(start.rows * missing);
  return hstack([start, new Matrix(start.rows, missing, random)]);
}

function scaledColumns(a: Matrix, factors: Float64Array): Matrix {
  const out = a.copy();
  for (let j = 0; j < a.cols; j++) {
    const column = out.column(j);
    for (let i = 0; i < column.length; i++) column[i] = at(column, i) * at(factors, j);
  }
  return out;
}

function symmetrised(a: Matrix): Matrix {
  const t = a.transpose();
  return new Matrix(
    a.rows,
    a.cols,
    a.data.map((x, i) => (x + at(t.data, i)) / 2),
  );
}
