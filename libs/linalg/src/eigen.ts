import { Matrix } from "./matrix.js";

/** S = V·diag(values)·Vᵀ, values in descending order, V's columns orthonormal. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder tridiagonalisation, then implicit QL (Wilkinson and
 * Reinsch, Handbook for Automatic Computation II, procedures tred2 and tql2). Absolute error about 1e-16 times the
 * largest eigenvalue. About 9n³ flops.
 * @param s n×n; only its symmetric part is meaningful, it is not changed
 * @throws RangeError if s is not square, Error if an eigenvalue does not converge (s is not finite)
 */
export function symmetricEigen(s: Matrix): SymmetricEigen {
  const n = s.rows;
  if (s.cols !== n) throw new RangeError(`expected a square matrix, got ${s.rows}×${s.cols}`);
  const { diagonal, offDiagonal, basis } = tridiagonalise(s);
  implicitQl(diagonal, offDiagonal, basis);

  const order = Array.from(diagonal.keys()).sort((i, j) => (diagonal[j] ?? 0) - (diagonal[i] ?? 0));
  const vectors = new Matrix(n, n);
  order.forEach((from, to) => {
    vectors.column(to).set(basis.column(from));
  });
  return { values: Float64Array.from(order, (i) => diagonal[i] ?? 0), vectors };
}

/** S = basis · T · basisᵀ, T tridiagonal; offDiagonal[i] joins i and i + 1. */
function tridiagonalise(s: Matrix) {
  const n = s.rows;
  const work = s.copy();
  const a = work.data;
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const betas = new Float64Array(n);
  const w = new Float64Array(n);
  for (let j = 0; j < n - 1; j++) {
    const c = j * n;
    diagonal[j] = a[c + j] ?? 0;
    let scale = 0;
    for (let i = j + 1; i < n; i++) scale = Math.max(scale, Math.abs(a[c + i] ?? 0));
    if (scale === 0) continue;
    let squares = 0;
    for (let i = j + 1; i < n; i++) {
      const x = (a[c + i] ?? 0) / scale;
      a[c + i] = x;
      squares += x * x;
    }
    const head = a[c + j + 1] ?? 0;
    const length = head > 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
    offDiagonal[j] = length * scale;
    // The reflector I - βvvᵀ stays in the column below the diagonal, v unnormalised.
    a[c + j + 1] = head - length;
    const beta = 1 / (squares - head * length);
    betas[j] = beta;

    symmetricTimes(a, n, j + 1, c, w);
    let half = 0;
    for (let i = j + 1; i < n; i++) half += (w[i] ?? 0) * (a[c + i] ?? 0);
    half *= (beta * beta) / 2;
    for (let i = j + 1; i < n; i++) w[i] = beta * (w[i] ?? 0) - half * (a[c + i] ?? 0);
    for (let k = j + 1; k < n; k++) {
      const vk = a[c + k] ?? 0;
      const wk = w[k] ?? 0;
      const column = k * n;
      for (let i = k; i < n; i++) {
        a[column + i] = (a[column + i] ?? 0) - (a[c + i] ?? 0) * wk - (w[i] ?? 0) * vk;
      }
    }
  }
  if (n > 0) diagonal[n - 1] = a[n * n - 1] ?? 0;
  return { diagonal, offDiagonal, basis: productOfReflectors(a, betas, n) };
}

/** w[from…] = S[from…, from…] · v, v at offset c, S given by its lower triangle. */
function symmetricTimes(a: Float64Array, n: number, from: number, c: number, w: Float64Array) {
  w.fill(0, from);
  for (let k = from; k < n; k++) {
    const column = k * n;
    const vk = a[c + k] ?? 0;
    let sum = (a[column + k] ?? 0) * vk;
    for (let i = k + 1; i < n; i++) {
      const x = a[column + i] ?? 0;
      w[i] = (w[i] ?? 0) + x * vk;
      sum += x * (a[c + i] ?? 0);
    }
    w[k] = (w[k] ?? 0) + sum;
  }
}

function productOfReflectors(a: Float64Array, betas: Float64Array, n: number): Matrix {
  const basis = Matrix.identity(n);
  const q = basis.data;
  for (let j = n - 2; j >= 0; j--) {
    const beta = betas[j] ?? 0;
    const c = j * n;
    for (let k = j + 1; beta !== 0 && k < n; k++) {
      const column = k * n;
      let projection = 0;
      for (let i = j + 1; i < n; i++) projection += (a[c + i] ?? 0) * (q[column + i] ?? 0);
      projection *= beta;
      for (let i = j + 1; i < n; i++) {
        q[column + i] = (q[column + i] ?? 0) - projection * (a[c + i] ?? 0);
      }
    }
  }
  return basis;
}

/** Diagonalises T in place by QL with Wilkinson's shift, and turns the columns of `basis` along. */
function implicitQl(d: Float64Array, e: Float64Array, basis: Matrix): void {
  const n = d.length;
  for (let l = 0; l < n; l++) {
    for (let sweeps = 0; ; sweeps++) {
      let m = l;
      while (m < n - 1 && !negligible(d, e, m)) m++;
      if (m === l) break;
      if (sweeps === 60) throw new Error(`eigenvalue ${l} of ${n} did not converge in 60 sweeps`);
      const dl = d[l] ?? 0;
      const el = e[l] ?? 0;
      let g = ((d[l + 1] ?? 0) - dl) / (2 * el);
      g = (d[m] ?? 0) - dl + el / (g + (g < 0 ? -Math.hypot(g, 1) : Math.hypot(g, 1)));
      let s = 1;
      let c = 1;
      let p = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const ei = e[i] ?? 0;
        const f = s * ei;
        const b = c * ei;
        const r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          // An off-diagonal entry vanished by underflow: the matrix splits here.
          d[i + 1] = (d[i + 1] ?? 0) - p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = (d[i + 1] ?? 0) - p;
        const t = ((d[i] ?? 0) - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        rotateColumns(basis, i, c, s);
      }
      if (i >= l) continue;
      d[l] = (d[l] ?? 0) - p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

function negligible(d: Float64Array, e: Float64Array, m: number): boolean {
  const scale = Math.abs(d[m] ?? 0) + Math.abs(d[m + 1] ?? 0);
  return Math.abs(e[m] ?? 0) + scale === scale;
}

function rotateColumns(basis: Matrix, i: number, c: number, s: number): void {
  const n = basis.rows;
  const x = basis.data;
  const left = i * n;
  const right = left + n;
  for (let k = 0; k < n; k++) {
    const u = x[left + k] ?? 0;
    const v = x[right + k] ?? 0;
    x[right + k] = s * u + c * v;
    x[left + k] = c * u - s * v;
  }
}
