import { at } from "./at.js";
import type { Matrix } from "./matrix.js";
import { norm } from "./stats.js";

/** The largest |entry|; 0 for an empty array; Infinity or NaN if an entry is not finite. */
export function findLargest(data: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) largest = Math.max(largest, Math.abs(at(data, i)));
  return largest;
}

/** Whether a largest entry is 0 or lies in 2^-bits … 2^bits. */
export function isWithin(bits: number, largest: number): boolean {
  return largest === 0 || (largest >= 2 ** -bits && largest <= 2 ** bits);
}

/**
 * Scales a matrix so that later computations, such as squares, neither overflow nor underflow.
 * Returns the matrix itself if its largest entry lies within 2^-bits … 2^bits, otherwise multiplied
 * by a power of two that moves it to the nearer end.
 * @param method the function whose argument is the matrix, for the error message
 * @throws RangeError naming the first entry that is not finite
 */
export function scaleIntoRange(
  a: Matrix,
  bits: number,
  method: string,
): { readonly scaled: Matrix; readonly scale: number } {
  const largest = findLargest(a.data);
  if (isWithin(bits, largest)) return { scaled: a, scale: 1 };
  if (!(largest < Infinity)) throw createNotFiniteError(a, method);
  const scale = scaleTo(largest > 1 ? bits : -bits, largest);
  return { scaled: a.scale(scale), scale };
}

/** The power of two, at most 2^1000, that scales `largest` to about 2^`exponent`; 1 for 0. */
export function scaleTo(exponent: number, largest: number): number {
  return largest === 0 ? 1 : 2 ** Math.min(exponent - Math.floor(Math.log2(largest)), 1000);
}

/** Euclidean norm of finite entries of any size; `norm` is reliable for 1e-150 … 1e150. */
export function safeNorm(x: Float64Array): number {
  const plain = norm(x);
  // Otherwise squares overflowed, or underflowed so that digits are lost.
  if (plain > 2 ** -450 && plain < Infinity) return plain;
  const largest = findLargest(x);
  const scale = scaleTo(0, largest);
  return norm(x.map((entry) => entry * scale)) / scale;
}

function createNotFiniteError({ rows, cols, data }: Matrix, method: string): RangeError {
  const i = data.findIndex((x) => !Number.isFinite(x));
  const place = `(${i % rows}, ${Math.floor(i / rows)}) of the ${rows}×${cols} matrix`;
  return new RangeError(`${method}: entry ${place} is ${at(data, i)}, expected finite numbers`);
}
