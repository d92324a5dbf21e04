import { norm, at } from "@fedclair/linalg";

/** Computes xᵀy of vectors of the same length. */
export function dotProduct(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += at(x, i) * at(y, i);
  return sum;
}

/** Computes y ← y + factor·x, in place. */
export function addScaledTo(y: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < y.length; i++) y[i] = at(y, i) + factor * at(x, i);
}

export function subtractVectors(x: Float64Array, y: Float64Array): Float64Array {
  return x.map((value, i) => value - at(y, i));
}

export function distance(x: Float64Array, y: Float64Array): number {
  return norm(subtractVectors(x, y));
}

/** Scales weights relative to the largest and rounds them to four digits, for compact artifacts. */
export function toRelativeWeights(weights: Float64Array): number[] {
  const largest = Math.max(...weights);
  return Array.from(weights, (w) => Math.round((1e4 * w) / largest) / 1e4);
}
