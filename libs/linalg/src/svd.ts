import { Matrix } from "./matrix.js";
import { multiply } from "./multiply.js";
import { thinQr } from "./qr.js";
import { norm } from "./stats.js";

/** A = U·diag(s)·Vᵀ: U m×k, V n×k with orthonormal columns, s ≥ 0 in descending order, k = min(m, n). */
export interface ThinSvd {
  readonly u: Matrix;
  readonly s: Float64Array;
  readonly v: Matrix;
}

const maxSweeps = 60;

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
  const { q, r } = thinQr(a);
  // Rᵀ is lower triangular; its columns are closer to orthogonal than R's, and Jacobi needs fewer sweeps.
  const work = r.transpose();
  const right = Matrix.identity(work.cols);
  orthogonaliseColumns(work, right);

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

/** Rotates pairs of columns of `work` until all are orthogonal, and the columns of `right` along. */
function orthogonaliseColumns(work: Matrix, right: Matrix): void {
  const n = work.cols;
  const threshold = Number.EPSILON * Math.sqrt(work.rows);
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let rotated = false;
    for (let i = 0; i < n - 1; i++) {
      for (let j = i + 1; j < n; j++) {
        if (rotatePair(work, right, i, j, threshold)) rotated = true;
      }
    }
    if (!rotated) return;
  }
  throw new Error(`the SVD of a ${work.rows}×${n} matrix did not converge: is every entry finite?`);
}

function rotatePair(work: Matrix, right: Matrix, i: number, j: number, threshold: number): boolean {
  const x = work.column(i);
  const y = work.column(j);
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let k = 0; k < x.length; k++) {
    const a = x[k] ?? 0;
    const b = y[k] ?? 0;
    xx += a * a;
    yy += b * b;
    xy += a * b;
  }
  // `<=` also ends on zero columns; NaN never passes and is reported after the last sweep.
  if (Math.abs(xy) <= threshold * Math.sqrt(xx) * Math.sqrt(yy)) return false;
  const zeta = (yy - xx) / (2 * xy);
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const c = 1 / Math.hypot(1, t);
  rotate(x, y, c, c * t);
  rotate(right.column(i), right.column(j), c, c * t);
  return true;
}

function rotate(x: Float64Array, y: Float64Array, c: number, s: number): void {
  for (let k = 0; k < x.length; k++) {
    const a = x[k] ?? 0;
    const b = y[k] ?? 0;
    x[k] = c * a - s * b;
    y[k] = s * a + c * b;
  }
}

function pick(a: Matrix, order: readonly number[]): Matrix {
  const out = new Matrix(a.rows, order.length);
  order.forEach((from, to) => {
    out.column(to).set(a.column(from));
  });
  return out;
}
