import type { Matrix } from "./matrix.js";

/** S = Q·T·Qᵀ, T symmetric and tridiagonal, Q a product of Householder reflectors. */
export interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** Entry i joins i and i + 1; the last is 0. */
  readonly offDiagonal: Float64Array;
  /** Turns the columns of x into those of Q·x, in place. */
  readonly applyQ: (x: Matrix) => void;
}

/**
 * Householder tridiagonalisation of the symmetric matrix whose lower triangle is that of s (Wilkinson and Reinsch, tred2; Golub
 * and Van Loan, algorithm 8.3.1). 8n³/3 flops.
 */
export function tridiagonalise(s: Matrix): Tridiagonal {
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
  return {
    diagonal,
    offDiagonal,
    applyQ: (x) => {
      for (let j = n - 2; j >= 0; j--) reflectColumns(a, j, betas[j] ?? 0, x);
    },
  };
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

/** x ← (I - βvvᵀ)·x, v the reflector stored in column j of a, below the diagonal. */
function reflectColumns(a: Float64Array, j: number, beta: number, x: Matrix): void {
  if (beta === 0) return;
  const n = x.rows;
  const c = j * n;
  for (let k = 0; k < x.cols; k++) {
    const column = k * n;
    let projection = 0;
    for (let i = j + 1; i < n; i++) projection += (a[c + i] ?? 0) * (x.data[column + i] ?? 0);
    projection *= beta;
    for (let i = j + 1; i < n; i++) {
      x.data[column + i] = (x.data[column + i] ?? 0) - projection * (a[c + i] ?? 0);
    }
  }
}
