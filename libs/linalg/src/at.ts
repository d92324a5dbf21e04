/**
 * Entry i of a vector. In innermost loops too: taking one type only, it costs next to nothing there.
 * @throws RangeError where there is no such entry
 */
export function at(vector: Float64Array, i: number): number {
  const entry = vector[i];
  if (entry === undefined) throw outside(i, vector.length);
  return entry;
}

/**
 * Item i of any list. Not for innermost loops: one function for all types of list is ten times as slow there as `at`.
 * @throws RangeError where there is no such item
 */
export function item<T>(list: ArrayLike<T>, i: number): T {
  const found = list[i];
  if (found === undefined) throw outside(i, list.length);
  return found;
}

function outside(i: number, length: number): RangeError {
  return new RangeError(`index ${i} is outside a list of ${length}`);
}

/**
 * The same of a vector of float32.
 * @throws RangeError where there is no such entry
 */
export function at32(vector: Float32Array, i: number): number {
  const entry = vector[i];
  if (entry === undefined) throw outside(i, vector.length);
  return entry;
}

/**
 * The same of a vector of integers.
 * @throws RangeError where there is no such entry
 */
export function atInt(vector: Int32Array, i: number): number {
  const entry = vector[i];
  if (entry === undefined) throw outside(i, vector.length);
  return entry;
}
