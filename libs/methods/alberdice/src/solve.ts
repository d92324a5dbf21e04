import { at } from "@fedclair/linalg";
/**
 * Solves A·x = b by Gaussian elimination without pivoting. This is stable if A is diagonally
 * dominant by columns, as 1 - γ·Pᵀ is.
 * @param a n×n row-major, overwritten
 * @param b n numbers
 */
export function solveDominant(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const x = b.slice();
  for (let k = 0; k < n; k++) {
    for (let i = k + 1; i < n; i++) {
      const factor = at(a, i * n + k) / at(a, k * n + k);
      if (factor === 0) continue;
      for (let j = k + 1; j < n; j++) {
        a[i * n + j] = at(a, i * n + j) - factor * at(a, k * n + j);
      }
      x[i] = at(x, i) - factor * at(x, k);
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    let rest = at(x, i);
    for (let j = i + 1; j < n; j++) rest -= at(a, i * n + j) * at(x, j);
    x[i] = rest / at(a, i * n + i);
  }
  return x;
}
