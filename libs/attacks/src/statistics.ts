import { at } from "@fedclair/linalg";
/** The mean of every coordinate. @param vectors at least one, all of the same length */
export function coordinateMeans(vectors: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(vectors[0]?.length ?? 0);
  for (const v of vectors) v.forEach((x, i) => (out[i] = (out[i] ?? 0) + x / vectors.length));
  return out;
}

/** The population standard deviation of every coordinate; 0 for a single vector. */
export function coordinateDeviations(
  vectors: readonly Float64Array[],
  means: Float64Array,
): Float64Array {
  const out = new Float64Array(means.length);
  for (const v of vectors) {
    v.forEach((x, i) => (out[i] = (out[i] ?? 0) + (x - at(means, i)) ** 2 / vectors.length));
  }
  return out.map(Math.sqrt);
}

/**
 * The standard normal quantile Φ⁻¹(p), accurate to about 1e-16/φ(z), the effect of rounding p.
 * Newton steps from 0 increase towards it without overshooting, because Φ is concave above 0; Φ(z)
 * = 1/2 + φ(z)·Σ z^(2k+1)/(1·3·…·(2k+1)).
 * @param p in [1/2, 1)
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0.5 && p < 1)) {
    throw new RangeError(`normalQuantile: expected p in [1/2, 1), got ${p}`);
  }
  let z = 0;
  for (;;) {
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    let series = 0;
    for (let term = z, k = 1; term > 1e-17 * series; k++) {
      series += term;
      term *= (z * z) / (2 * k + 1);
    }
    const next = z + (p - 0.5) / density - series;
    if (next <= z) return z;
    z = next;
  }
}
