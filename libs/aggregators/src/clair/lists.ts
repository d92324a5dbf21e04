/** Item i. @throws RangeError if there is none: a wrong index must not go on as a NaN */
export function at<T>(items: ArrayLike<T>, i: number): T {
  const item = items[i];
  if (item === undefined) throw new RangeError(`no item ${i} in a list of ${items.length}`);
  return item;
}

/** The same of numbers in inner loops: few kinds of arrays, so that it costs no more than the check. */
export function entry(data: Float64Array | Float32Array | Int32Array, i: number): number {
  const value = data[i];
  if (value === undefined) throw new RangeError(`no entry ${i} of ${data.length}`);
  return value;
}

/** The items at the indices. @throws RangeError as `at` */
export function pick<T>(items: ArrayLike<T>, indices: readonly number[]): T[] {
  return indices.map((i) => at(items, i));
}

/** Two lists, item by item. @throws RangeError if they differ in length */
export function zip<A, B>(first: readonly A[], second: readonly B[]): [A, B][] {
  if (first.length !== second.length) {
    throw new RangeError(`zip: ${first.length} items and ${second.length}`);
  }
  return first.map((a, i) => [a, at(second, i)]);
}

/** 0 … count - 1 */
export function indices(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
