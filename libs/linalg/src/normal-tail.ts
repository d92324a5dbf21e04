/**
 * Computes 1 - Φ(z) with a relative error of 1e-13, even far out, where subtracting a distribution
 * function from 1 would keep no digit.
 */
export function normalTail(z: number): number {
  return 0.5 * erfc(z / Math.SQRT2);
}

/** Computes the complementary error function, with a relative error below 1e-13. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  return x < 2 ? 1 - erfSeries(x) : erfcFraction(x);
}

/**
 * Computes erf(x) = 2/√π·exp(-x²)·Σ 2ⁿx²ⁿ⁺¹/(1·3···(2n+1)) (Abramowitz and Stegun 7.1.6), which has
 * no cancellation.
 */
function erfSeries(x: number): number {
  let term = x;
  let total = x;
  for (let n = 1; term > 1e-17 * total; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
}

/**
 * Computes √π·exp(x²)·erfc(x) = 1/(x + ½/(x + 1/(x + 1½/(x + …)))) (7.1.14) from the back, for x ≥
 * 2.
 */
function erfcFraction(x: number): number {
  const terms = 10 + Math.ceil(200 / (x * x));
  let tail = x;
  for (let n = terms; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
}
