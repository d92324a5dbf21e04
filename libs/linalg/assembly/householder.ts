import { lanes } from "./vector";

/**
 * Computes the Householder reflector I - τ·v·vᵀ, v₀ = 1, that maps x to (value, 0, …, 0) (LAPACK
 * dlarfg). Stores the value in x₀ and the rest of v after it.
 * @param n at least 1
 * @returns τ; 0 if x is zero after its first entry
 */
export function reflector(x: usize, n: usize): f64 {
  let largest: f64 = 0;
  for (let i: usize = 0; i < n; i++) largest = max(largest, abs(load<f64>(x + i * 8)));
  if (largest == 0) return 0;
  // Scale by the largest entry, so that the squares of tiny columns do not underflow; the inverse
  // must not overflow.
  const scale = max(largest, f64.MIN_NORMAL_VALUE);
  const inverse = 1 / scale;
  let tail: f64 = 0;
  for (let i: usize = 1; i < n; i++) {
    const entry = load<f64>(x + i * 8) * inverse;
    tail += entry * entry;
  }
  if (tail == 0) return 0;
  const head = load<f64>(x) * inverse;
  const value = head > 0 ? -sqrt(head * head + tail) : sqrt(head * head + tail);
  const factor = 1 / (head - value);
  for (let i: usize = 1; i < n; i++) {
    store<f64>(x + i * 8, load<f64>(x + i * 8) * inverse * factor);
  }
  store<f64>(x, value * scale);
  return (value - head) / value;
}

/**
 * QR of a panel by Householder reflections, one column at a time (LAPACK dgeqr2): R on and above
 * the diagonal, the reflectors without their leading 1 below it.
 * @param a column-major with `stride` rows, an even number; a column with an odd number of entries
 * is followed by a zero
 * @param taus min(m, n) entries
 */
export function factorPanel(a: usize, stride: usize, m: usize, n: usize, taus: usize): void {
  for (let j: usize = 0; j < min(m, n); j++) {
    const pivot = a + j * (stride + 1) * 8;
    const tau = reflector(pivot, m - j);
    store<f64>(taus + j * 8, tau);
    if (tau == 0) continue;
    for (let c: usize = 1; c < n - j; c++) reflect(pivot, m - j, tau, pivot + c * stride * 8);
  }
}

/**
 * x ← (I - τ·v·vᵀ)·x, where the leading 1 of v is not stored. An entry that is not aligned to 16
 * bytes is processed first, by itself.
 */
function reflect(v: usize, n: usize, tau: f64, x: usize): void {
  const length = n * 8;
  const odd = (v & 8) == 0 && n > 1;
  let projection = load<f64>(x);
  if (odd) projection += load<f64>(v, 8) * load<f64>(x, 8);
  const start: usize = odd ? 16 : 8;
  let sums = f64x2.splat(0);
  for (let i = start; i < length; i += 16) {
    sums = f64x2.add(sums, f64x2.mul(v128.load(v + i), v128.load(x + i)));
  }
  projection = tau * (projection + lanes(sums));
  store<f64>(x, load<f64>(x) - projection);
  if (odd) store<f64>(x, load<f64>(x, 8) - projection * load<f64>(v, 8), 8);
  const factor = f64x2.splat(projection);
  for (let i = start; i < length; i += 16) {
    v128.store(x + i, f64x2.sub(v128.load(x + i), f64x2.mul(factor, v128.load(v + i))));
  }
}
