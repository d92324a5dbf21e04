/**
 * Entry i of a vector. It is cheap even in innermost loops, because it accepts a single type.
 * @throws RangeError if there is no such entry
 */
export function at(vector: Float64Array, i: number): number {
  const entry = vector[i];
  if (entry === undefined) throw createRangeError(i, vector.length);
  return entry;
}

/**
 * Item i of any list. Avoid it in innermost loops: a function for all list types is ten times as
 * slow there as `at`.
 * @throws RangeError if there is no such item
 */
export function item<T>(list: ArrayLike<T>, i: number): T {
  const found = list[i];
  if (found === undefined) throw createRangeError(i, list.length);
  return found;
}

function createRangeError(i: number, length: number): RangeError {
  return new RangeError(`index ${i} is outside a list of ${length}`);
}

/** Entry i of a float32 vector. @throws RangeError if there is no such entry */
export function at32(vector: Float32Array, i: number): number {
  const entry = vector[i];
  if (entry === undefined) throw createRangeError(i, vector.length);
  return entry;
}

/** Entry i of a vector of integers. @throws RangeError if there is no such entry */
export function atInt(vector: Int32Array, i: number): number {
  const entry = vector[i];
  if (entry === undefined) throw createRangeError(i, vector.length);
  return entry;
}
