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
