import { norm, at } from "@fedclair/linalg";

/** xᵀy of vectors of one length. */
export function dotProduct(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += at(x, i) * at(y, i);
  return sum;
}

/** y ← y + factor·x, in place. */
export function addScaledTo(y: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i] = at(y, i) + factor * at(x, i);
}

export function minus(x: Float64Array, y: Float64Array): Float64Array {
  return x.map((value, i) => value - at(y, i));
}

export function distance(x: Float64Array, y: Float64Array): number {
  return norm(minus(x, y));
}

/** Over the largest, to four digits: what figures need, in few bytes. */
export function shownWeights(weights: Float64Array): number[] {
  const largest = Math.max(...weights);
  return Array.from(weights, (w) => Math.round((1e4 * w) / largest) / 1e4);
}
