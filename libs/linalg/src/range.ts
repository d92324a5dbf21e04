import { at } from "./at.js";
import type { Matrix } from "./matrix.js";
import { norm } from "./stats.js";

/** The largest |entry|, 0 where there is none; Infinity or NaN if one is not finite. */
export function largestOf(data: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) largest = Math.max(largest, Math.abs(at(data, i)));
  return largest;
}

/** Whether a largest entry is 0 or lies in 2^-bits … 2^bits. */
export function isWithin(bits: number, largest: number): boolean {
  return largest === 0 || (largest >= 2 ** -bits && largest <= 2 ** bits);
}

/**
 * The matrix itself if its largest entry lies within 2^-bits … 2^bits; else times a power of two that brings it to the nearer
 * end, so that the squares, or what else is computed, neither overflow nor underflow.
 * @param method whose argument the matrix is, for the message
 * @throws RangeError naming the first entry that is not finite
 */
export function intoRange(
  a: Matrix,
  bits: number,
  method: string,
): { readonly scaled: Matrix; readonly scale: number } {
  const largest = largestOf(a.data);
  if (isWithin(bits, largest)) return { scaled: a, scale: 1 };
  if (!(largest < Infinity)) throw notFinite(a, method);
  const scale = scaleTo(largest > 1 ? bits : -bits, largest);
  return { scaled: a.scale(scale), scale };
}

/** The power of two, at most 2^1000, that brings `largest` near 2^`exponent`; 1 for 0. */
export function scaleTo(exponent: number, largest: number): number {
  return largest === 0 ? 1 : 2 ** Math.min(exponent - Math.floor(Math.log2(largest)), 1000);
}

/** Euclidean norm of finite entries of any size; `norm` is good for 1e-150 … 1e150. */
export function safeNorm(x: Float64Array): number {
  const plain = norm(x);
  // Else squares overflowed, or underflowed so that digits are lost.
  if (plain > 2 ** -450 && plain < Infinity) return plain;
  const largest = largestOf(x);
  const scale = scaleTo(0, largest);
  return norm(x.map((entry) => entry * scale)) / scale;
}

function notFinite({ rows, cols, data }: Matrix, method: string): RangeError {
  const i = data.findIndex((x) => !Number.isFinite(x));
  const place = `(${i % rows}, ${Math.floor(i / rows)}) of the ${rows}×${cols} matrix`;
  return new RangeError(`${method}: entry ${place} is ${at(data, i)}, expected finite numbers`);
}
