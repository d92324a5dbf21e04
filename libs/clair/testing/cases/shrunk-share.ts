import { frobenius, item, median, subtract, type Matrix } from "@fedclair/linalg";
import { computeCuts } from "../../src/refine/refine-module.js";

/** Up to this share of the median change, the mean is rounding error and is not shared. */
const rounding = 1e-12;

/**
 * Computes the share of the mean M̂ outside the space that the reference hands out with mode
 * `shrink`: the positive-part James–Stein factor max(0, 1 - v/|M̂|²), where v is the estimated
 * variance of M̂, K/(K-1)·Σ w_k²·|O_k - M̂|². CLAIR itself shares all of M̂.
 * @param changes X_k of the benign clients
 * @param inside Π(X_k)
 * @param mean M̂
 * @param weights w_k
 */
export function computeShrunkShare(
  changes: readonly Matrix[],
  inside: readonly Matrix[],
  mean: Matrix,
  weights: Float64Array,
): number {
  const size = frobenius(mean);
  if (changes.length === 1 || size <= rounding * median(changes.map(frobenius))) return 0;
  const outside = changes.map((change, k) => subtract(change, item(inside, k)));
  const cuts = computeCuts(outside.map(frobenius));
  const variance = outside.reduce((total, part, k) => {
    const distance = frobenius(subtract(part.scale(item(cuts, k)), mean));
    return total + item(weights, k) ** 2 * distance ** 2;
  }, 0);
  const n = changes.length;
  return Math.max(0, 1 - (n * variance) / (n - 1) / size ** 2);
}
