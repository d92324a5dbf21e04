import { at, item } from "./at.js";

/**
 * The items at the indices.
 * @throws RangeError if an index has no item
 */
export function pick<T>(items: ArrayLike<T>, indices: readonly number[]): T[] {
  return indices.map((i) => item(items, i));
}

/** The numbers at the indices. @throws RangeError if an index has none */
export function pickNumbers(numbers: Float64Array, indices: readonly number[]): Float64Array {
  const picked = zeros(indices.length);
  for (let i = 0; i < picked.length; i++) picked[i] = at(numbers, indices[i] as number);
  return picked;
}

const pageBytes = 16_384;
/** Longer vectors have memory of their own. */
const longest = 256;
let page = new ArrayBuffer(pageBytes);
let used = 0;

/**
 * A vector of zeros. Short ones share pages of memory: of its own, a vector of more than eight
 * numbers takes V8 ten times as long to create. To transfer its buffer would detach the others.
 */
export function zeros(length: number): Float64Array<ArrayBuffer> {
  if (length > longest) return new Float64Array(length);
  if (used + 8 * length > pageBytes) [page, used] = [new ArrayBuffer(pageBytes), 0];
  const vector = new Float64Array(page, used, length);
  used += 8 * length;
  return vector;
}

/** As `numbers.map(valueOf)`, with memory as in `zeros`. */
export function mapNumbers(
  numbers: Float64Array,
  valueOf: (x: number, i: number) => number,
): Float64Array {
  const values = zeros(numbers.length);
  for (let i = 0; i < values.length; i++) values[i] = valueOf(at(numbers, i), i);
  return values;
}

/**
 * Pairs two lists item by item.
 * @throws RangeError if they differ in length
 */
export function zip<A, B>(first: readonly A[], second: readonly B[]): [A, B][] {
  if (first.length !== second.length) {
    throw new RangeError(`zip: ${first.length} items and ${second.length}`);
  }
  return first.map((a, i) => [a, item(second, i)]);
}

/** Whether two lists hold the same numbers in the same order. */
export function areEqual(xs: ArrayLike<number>, ys: ArrayLike<number>): boolean {
  if (xs.length !== ys.length) return false;
  for (let i = 0; i < xs.length; i++) if (xs[i] !== ys[i]) return false;
  return true;
}

/** The numbers 0 … count - 1. */
export function indices(count: number): number[] {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push(i);
  return all;
}
