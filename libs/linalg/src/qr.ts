import { Matrix } from "./matrix.js";

/** A = Q·R with Q m×k of orthonormal columns, R k×n upper triangular, k = min(m, n). */
export interface ThinQr {
  readonly q: Matrix;
  readonly r: Matrix;
}

/**
 * Thin QR by Householder reflections (Golub and Van Loan, Matrix Computations, algorithm 5.2.1). Q is orthonormal to
 * rounding whatever the rank of A, and R's diagonal may have either sign. 4mn² flops.
 */
export function thinQr(a: Matrix): ThinQr {
  const m = a.rows;
  const k = Math.min(m, a.cols);
  const work = a.copy();
  const betas = new Float64Array(k);
  for (let j = 0; j < k; j++) {
    betas[j] = reflectorOf(work, j);
    for (let c = j + 1; c < a.cols; c++) reflect(work, j, betas[j] ?? 0, work, c);
  }

  const r = new Matrix(k, a.cols);
  for (let c = 0; c < a.cols; c++) {
    for (let i = 0; i <= Math.min(c, k - 1); i++) r.data[i + c * k] = work.get(i, c);
  }
  const q = new Matrix(m, k);
  for (let c = 0; c < k; c++) q.data[c + c * m] = 1;
  for (let j = k - 1; j >= 0; j--) {
    for (let c = j; c < k; c++) reflect(work, j, betas[j] ?? 0, q, c);
  }
  return { q, r };
}

/**
 * Puts R's diagonal entry at (j, j) and the reflector below it: v = (1, work[j+1…, j]). Returns β of I - βvvᵀ, 0 for a
 * column that is zero below the diagonal.
 */
function reflectorOf(work: Matrix, j: number): number {
  const x = work.column(j);
  let largest = 0;
  for (let i = j; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i] ?? 0));
  if (largest === 0) return 0;
  // Scaled by the largest entry, so that the squares of tiny columns do not underflow.
  let tail = 0;
  for (let i = j + 1; i < x.length; i++) tail += ((x[i] ?? 0) / largest) ** 2;
  if (tail === 0) return 0;
  const head = (x[j] ?? 0) / largest;
  const length = Math.sqrt(head ** 2 + tail);
  const pivot = head > 0 ? head + length : head - length;
  for (let i = j + 1; i < x.length; i++) x[i] = (x[i] ?? 0) / largest / pivot;
  x[j] = head > 0 ? -length * largest : length * largest;
  return (pivot * pivot * 2) / (pivot * pivot + tail);
}

/** target[:, c] ← (I - βvvᵀ) target[:, c], v the reflector stored in column j of work. */
function reflect(work: Matrix, j: number, beta: number, target: Matrix, c: number): void {
  if (beta === 0) return;
  const m = work.rows;
  const v = work.data;
  const x = target.data;
  const vj = j * m;
  const xc = c * m;
  let projection = x[xc + j] ?? 0;
  for (let i = j + 1; i < m; i++) projection += (v[vj + i] ?? 0) * (x[xc + i] ?? 0);
  projection *= beta;
  x[xc + j] = (x[xc + j] ?? 0) - projection;
  for (let i = j + 1; i < m; i++) {
    x[xc + i] = (x[xc + i] ?? 0) - projection * (v[vj + i] ?? 0);
  }
}
