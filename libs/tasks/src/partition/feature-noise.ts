import type { Stream } from "@fedclair/linalg";

/**
 * Adds Gaussian noise that grows from client to client to the features. Client `index` of `count`
 * (0-based) gets a standard deviation of sigma·(index + 1)/count on every entry. Li et al. (arXiv
 * 2102.02079) do the same with variances.
 * @param rng the client's stream, the same in every round
 */
export function withFeatureNoise(
  features: Float32Array,
  sigma: number,
  { index, count }: { readonly index: number; readonly count: number },
  rng: Stream,
): Float32Array {
  if (sigma === 0) return features;
  const deviation = (sigma * (index + 1)) / count;
  return features.map((value) => value + deviation * rng.normal());
}
