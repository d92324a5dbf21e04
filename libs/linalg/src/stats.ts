import { zeros } from "./lists.js";
import type { Matrix } from "./matrix.js";
import { quickselect } from "./quickselect.js";

/**
 * Euclidean norm, as a plain sum of squares: entries within 1e-150 … 1e150 neither overflow nor
 * vanish.
 */
export function norm(x: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] as number) ** 2;
  return Math.sqrt(sum);
}

/** Frobenius norm, with the same range as `norm`. */
export function frobenius(a: Matrix): number {
  return norm(a.data);
}

/**
 * The q-quantile, linearly interpolated between order statistics (the default of numpy and R, type
 * 7).
 * @param q in 0 … 1
 * @throws RangeError on an empty list
 */
export function quantile(values: ArrayLike<number>, q: number): number {
  return quantileOf(new Float64Array(values), q);
}

/** Longer lists are sorted: in the worst case a selection takes time that grows with the square. */
const maxSelected = 1000;

/** The q-quantile of a list, which it reorders. */
function quantileOf(values: Float64Array, q: number): number {
  const position = q * (values.length - 1);
  const first = Math.floor(position);
  if (values.length > maxSelected || hasNaN(values)) values.sort();
  else if (values.length > 0) {
    quickselect(values, first);
    if (first + 1 < values.length) quickselect(values, first + 1, first + 1);
  }
  const low = values[first];
  const high = values[Math.ceil(position)];
  if (low === undefined || high === undefined) {
    throw new RangeError(`quantile: no value at q = ${q} of ${values.length} values`);
  }
  // Do not interpolate between equal neighbours: two infinities would give NaN.
  return low === high ? low : low + (position - Math.floor(position)) * (high - low);
}

function hasNaN(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
  return false;
}

/** The middle value, or the mean of the middle two. @throws RangeError on an empty list */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/** The median of a list, which it reorders. @throws RangeError on an empty list */
export function medianInPlace(values: Float64Array): number {
  return quantileOf(values, 0.5);
}

/**
 * 1.4826·median|x − middle|: an estimate of the standard deviation of a normal distribution that
 * stays bounded while fewer than half of the values are outliers.
 */
export function medianDeviation(values: ArrayLike<number>, middle = median(values)): number {
  const distances = zeros(values.length);
  for (let i = 0; i < distances.length; i++)
    distances[i] = Math.abs((values[i] as number) - middle);
  return 1.4826 * quantileOf(distances, 0.5);
}

/** The standard deviation of at least two values from their mean, with n − 1. */
export function standardDeviation(values: ArrayLike<number>): number {
  const n = values.length;
  const middle = mean(values);
  let squares = 0;
  for (let i = 0; i < n; i++) squares += ((values[i] as number) - middle) ** 2;
  return Math.sqrt(squares / (n - 1));
}

/** The mean of a list. @returns NaN for an empty one */
export function mean(values: ArrayLike<number>): number {
  return sum(values) / values.length;
}

/** The sum of a list. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] as number;
  return total;
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
