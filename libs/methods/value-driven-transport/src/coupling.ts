import { at, expInPlace, Matrix, sum, type Stream } from "@fedclair/linalg";
import { squaredDistances } from "./metrics.js";

/**
 * The primal step: computes for each target y_j a distribution over sources, softmax_i((V_0(x_i) -
 * |x_i - y_j|²/2)/eps).
 * @param v0 V(x_i, 0), S numbers
 * @param sources S×d
 * @param targets B×d
 * @param eps entropic weight > 0, in squared units of the points
 * @returns S×B, columns sum to 1
 */
export function couple(v0: Float64Array, sources: Matrix, targets: Matrix, eps: number): Matrix {
  const out = squaredDistances(sources, targets);
  for (let j = 0; j < out.cols; j++) {
    const column = out.column(j);
    let most = -Infinity;
    for (let i = 0; i < column.length; i++) {
      const score = (at(v0, i) - at(column, i) / 2) / eps;
      column[i] = score;
      most = Math.max(most, score);
    }
    // Subtracting the largest score prevents exp from overflowing, and from underflowing
    // everywhere.
    for (let i = 0; i < column.length; i++) column[i] = at(column, i) - most;
  }
  expInPlace(out.data);
  for (let j = 0; j < out.cols; j++) {
    const column = out.column(j);
    const total = sum(column);
    for (let i = 0; i < column.length; i++) column[i] = at(column, i) / total;
  }
  return out;
}

/**
 * Draws one source for each target from the coupling's columns. Taking the arg max instead would be
 * inconsistent with the source weights in the loss.
 */
export function drawPairs(coupling: Matrix, rng: Stream): Int32Array {
  return Int32Array.from({ length: coupling.cols }, (_, j) => rng.categorical(coupling.column(j)));
}

/** Returns each source's weight in the coupling: its mean over targets. The weights sum to 1. */
export function computeSourceWeights(coupling: Matrix): Float64Array {
  const out = new Float64Array(coupling.rows);
  for (let j = 0; j < coupling.cols; j++) {
    const column = coupling.column(j);
    for (let i = 0; i < out.length; i++) out[i] = at(out, i) + at(column, i) / coupling.cols;
  }
  return out;
}
