import type { Matrix } from "./matrix.js";
import { scaleTo } from "./range.js";

/** Euclidean norm of entries of any size: Infinity if one is infinite or the norm exceeds 1.8e308, NaN if one is NaN. */
export function norm(x: ArrayLike<number>): number {
  const squares = sumOfSquares(x, 1);
  // Else squares overflowed, or underflowed so that digits are lost.
  if (squares > 2 ** -900 && squares < Infinity) return Math.sqrt(squares);
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i] as number));
  if (!(largest < Infinity)) return largest;
  const scale = scaleTo(0, largest);
  return Math.sqrt(sumOfSquares(x, scale)) / scale;
}

function sumOfSquares(x: ArrayLike<number>, factor: number): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (factor * (x[i] as number)) ** 2;
  return sum;
}

/** Frobenius norm, with the same range as `norm`. */
export function frobenius(a: Matrix): number {
  return norm(a.data);
}

/**
 * The q-quantile, linearly interpolated between order statistics (the default of numpy and R, type 7).
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
  // Equal neighbours are returned as they are: interpolating between two infinities would give NaN.
  return low === high ? low : low + (position - Math.floor(position)) * (high - low);
}

/** The middle value, or the mean of the middle two. @throws RangeError on an empty list */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/** The sum of a list. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] as number;
  return total;
}
