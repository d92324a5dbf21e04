/**
 * An element that must be there: an index fault ends here, by name, and not as a NaN somewhere else.
 * @param index 0 … length - 1
 * @throws RangeError for any other index
 */
export function at<T>(values: ArrayLike<T>, index: number): T {
  if (!(Number.isInteger(index) && index >= 0 && index < values.length)) {
    throw new RangeError(`index ${index}: expected an integer in 0 … ${values.length - 1}`);
  }
  return values[index] as T;
}
