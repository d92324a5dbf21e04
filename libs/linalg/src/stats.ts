import type { Matrix } from "./matrix.js";

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
  const sorted = Float64Array.from(values).sort();
  const position = q * (sorted.length - 1);
  const low = sorted[Math.floor(position)];
  const high = sorted[Math.ceil(position)];
  if (low === undefined || high === undefined) {
    throw new RangeError(`quantile: no value at q = ${q} of ${sorted.length} values`);
  }
  // Do not interpolate between equal neighbours: two infinities would give NaN.
  return low === high ? low : low + (position - Math.floor(position)) * (high - low);
}

/** The middle value, or the mean of the middle two. @throws RangeError on an empty list */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/**
 * 1.4826·median|x − middle|: an estimate of the standard deviation of a normal distribution that
 * stays bounded while fewer than half of the values are outliers.
 */
export function medianDeviation(values: ArrayLike<number>, middle = median(values)): number {
  return 1.4826 * median(Float64Array.from(values, (x) => Math.abs(x - middle)));
}

/** The standard deviation of at least two values from their mean, with n − 1. */
export function standardDeviation(values: ArrayLike<number>): number {
  const n = values.length;
  const mean = sum(values) / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += ((values[i] as number) - mean) ** 2;
  return Math.sqrt(squares / (n - 1));
}

/** The sum of a list. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] as number;
  return total;
}
