import { sum, at } from "@fedclair/linalg";
import { yieldToEventLoop } from "@fedclair/core";
import type { Points } from "../robust/points.js";

/**
 * Computes weights b for which Σ b_k·V_k is the geometric median. Smoothed Weiszfeld steps b_k =
 * w_k/max(ν, |v - V_k|) start from the weighted mean and stop when v moves by less than 1e-10 of
 * |v| (RFA, Pillutla et al., arXiv 1912.13445).
 * @param weights w_k ≥ 0, summing to 1
 * @param nu smoothing > 0; smaller distances count as ν
 * @returns K weights ≥ 0, summing to 1
 */
export async function geometricMedianWeights(
  points: Points,
  weights: Float64Array,
  nu = 1e-6,
): Promise<Float64Array> {
  let current = weights;
  for (let step = 0; step < 10_000; step++) {
    const { norm, distances } = await points.around(current);
    const raw = distances.map((distance, k) => at(weights, k) / Math.max(nu, distance));
    const total = sum(raw);
    const next = raw.map((b) => b / total);
    // As Σ (b'_k - b_k) = 0, the step is Σ (b'_k - b_k)·(V_k - v); this bounds it without another
    // pass.
    const moved = weightedSum(distances, (k) => Math.abs(at(next, k) - at(current, k)));
    const spread = weightedSum(distances, (k) => at(current, k));
    current = next;
    // A median at 0 has no size to compare with, so the rounding of the weights ends the loop
    // instead.
    await yieldToEventLoop();
    if (moved <= Math.max(1e-10 * norm, 1e-15 * spread)) break;
  }
  return current;
}

function weightedSum(values: Float64Array, weight: (k: number) => number): number {
  return values.reduce((total, x, k) => total + weight(k) * x, 0);
}
