import { item } from "./at.js";

/**
 * The items at the indices.
 * @throws RangeError if an index has no item
 */
export function pick<T>(items: ArrayLike<T>, indices: readonly number[]): T[] {
  return indices.map((i) => item(items, i));
}

/** The numbers at the indices. @throws RangeError if an index has none */
export function pickNumbers(numbers: ArrayLike<number>, indices: readonly number[]): Float64Array {
  const picked = new Float64Array(indices.length);
  for (let i = 0; i < picked.length; i++) picked[i] = item(numbers, indices[i] as number);
  return picked;
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
