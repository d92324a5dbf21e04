/**
 * Solves A·x = b for a symmetric positive definite A by Cholesky factorisation.
 * @param a n×n row-major; its lower triangle is read, and overwritten by the factor
 * @param b n numbers
 * @returns undefined if A is not positive definite to rounding
 */
export function solvePositiveDefinite(a: Float64Array, b: Float64Array): Float64Array | undefined {
  const n = b.length;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = a[i * n + j] ?? NaN;
      // Both factors run along a row, so along memory.
      for (let k = 0; k < j; k++) rest -= (a[i * n + k] ?? 0) * (a[j * n + k] ?? 0);
      if (i > j) {
        a[i * n + j] = rest / (a[j * n + j] ?? NaN);
      } else {
        if (!(rest > 0)) return undefined;
        a[i * n + i] = Math.sqrt(rest);
      }
    }
  }
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    let rest = x[i] ?? NaN;
    for (let k = 0; k < i; k++) rest -= (a[i * n + k] ?? 0) * (x[k] ?? 0);
    x[i] = rest / (a[i * n + i] ?? NaN);
  }
  for (let i = n - 1; i >= 0; i--) {
    const xi = (x[i] ?? NaN) / (a[i * n + i] ?? NaN);
    x[i] = xi;
    for (let k = 0; k < i; k++) x[k] = (x[k] ?? NaN) - (a[i * n + k] ?? 0) * xi;
  }
  return x;
}

/**
 * Solves A·x = b by Gaussian elimination without pivoting, which is stable where A is diagonally dominant by columns, as
 * 1 - γ·Pᵀ is.
 * @param a n×n row-major, overwritten
 * @param b n numbers
 */
export function solveDominant(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const x = b.slice();
  for (let k = 0; k < n; k++) {
    for (let i = k + 1; i < n; i++) {
      const factor = (a[i * n + k] ?? NaN) / (a[k * n + k] ?? NaN);
      if (factor === 0) continue;
      for (let j = k + 1; j < n; j++) {
        a[i * n + j] = (a[i * n + j] ?? NaN) - factor * (a[k * n + j] ?? NaN);
      }
      x[i] = (x[i] ?? NaN) - factor * (x[k] ?? NaN);
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    let rest = x[i] ?? NaN;
    for (let j = i + 1; j < n; j++) rest -= (a[i * n + j] ?? NaN) * (x[j] ?? NaN);
    x[i] = rest / (a[i * n + i] ?? NaN);
  }
  return x;
}
