import { sum, at } from "@fedclair/linalg";
import type { Points } from "./points.js";

/**
 * Computes w_k·min(1, c/|V_k|), the weights of a mean of points that are clipped to the norm c.
 * @param norms |V_k|
 * @param most c > 0
 */
export function normClipWeights(
  norms: Float64Array,
  weights: Float64Array,
  most: number,
): Float64Array {
  return weights.map((weight, k) => weight * clipFactor(at(norms, k), most));
}

/**
 * Centered clipping (Karimireddy et al., arXiv 2012.10333): from v = 0, v ← v + mean of (V_k -
 * v)·min(1, τ/|V_k - v|).
 * @param tau τ > 0
 * @returns the weights of the points in v; they sum to 1 if nothing is clipped, and to less
 * otherwise
 */
export async function centeredClipWeights(
  points: Points,
  tau: number,
  steps = 3,
): Promise<Float64Array> {
  let center = new Float64Array(points.count);
  for (let step = 0; step < steps; step++) {
    const { distances } = await points.around(center);
    const shares = distances.map((distance) => clipFactor(distance, tau) / points.count);
    const total = sum(shares);
    center = center.map((c, k) => (1 - total) * c + at(shares, k));
  }
  return center;
}

/** Computes |V_k| of every point. */
export async function computeNorms(points: Points): Promise<Float64Array> {
  return (await points.around(new Float64Array(points.count))).distances;
}

function clipFactor(length: number, most: number): number {
  return length > most ? most / length : 1;
}
