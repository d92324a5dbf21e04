import { at } from "@fedclair/linalg";
/** The mean of every coordinate. @param vectors at least one, all of the same length */
export function coordinateMeans(vectors: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(vectors[0]?.length ?? 0);
  for (const v of vectors) v.forEach((x, i) => (out[i] = (out[i] ?? 0) + x / vectors.length));
  return out;
}

/** The population standard deviation of every coordinate; 0 for a single vector. */
export function coordinateDeviations(
  vectors: readonly Float64Array[],
  means: Float64Array,
): Float64Array {
  const out = new Float64Array(means.length);
  for (const v of vectors) {
    v.forEach((x, i) => (out[i] = (out[i] ?? 0) + (x - at(means, i)) ** 2 / vectors.length));
  }
  return out.map(Math.sqrt);
}
