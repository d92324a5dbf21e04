/** Computes the standard normal density. */
export function normalPdf(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

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

const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
] as const;

/**
 * Computes ln Γ(x), x > 0, by Lanczos' approximation (g = 7). The relative error of Γ is about
 * 1e-14.
 */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const t = x + 6.5;
  const series = lanczos.reduce((total, c, i) => total + c / (x + i), 0.9999999999998099);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(series);
}
