import { Matrix, sum, atInt, at } from "@fedclair/linalg";
import { computeSourceWeights } from "./coupling.js";
import {
  inputsOf,
  spatialGradient,
  sumOfValues,
  type Network,
  type WeightedSum,
} from "./network.js";

/** Everything that a dual step holds fixed. */
export interface CoupledBatch {
  /** S×d */
  readonly sources: Matrix;
  /** B×d */
  readonly targets: Matrix;
  /** For each target, the index of the source with which it is coupled. */
  readonly pairs: Int32Array;
  /** S×B, see `couple`. Absent for independent pairs, which do not constrain V_0. */
  readonly coupling?: Matrix;
  /** The time t = h/H of each pair, with h in 0 … H - 1. */
  readonly times: Float64Array;
  /** See `inputsOf`. */
  readonly condition?: readonly number[];
}

export interface DualSettings {
  /** H ≥ 2 */
  readonly horizon: number;
  /** λ0, the weight of the source-marginal constraint relative to the flow constraints. */
  readonly lambda0: number;
}

/**
 * Computes the loss whose descent is the ascent of the dual, and its gradient: H·mean_j[V(I'_j,
 * t_j) - V(P_j, t_j)] + λ0·(Σ_i Ḡ_i·V(X_i, 0) - mean_i V(X_i, 0)). The policy's points P and the
 * coupling are held fixed, since a gradient through them would give a different method. The loss
 * hovers around 0 and does not indicate progress.
 */
export function dualStep(
  network: Network,
  batch: CoupledBatch,
  { horizon, lambda0 }: DualSettings,
): WeightedSum {
  const { sources, targets, times, coupling, condition } = batch;
  const { point, onward } = interpolate(batch, horizon);
  const landed = policyStep(network, point, times, horizon, condition);

  const [b, s] = [targets.rows, coupling ? sources.rows : 0];
  const weights = new Float64Array(2 * b + s);
  weights.fill(horizon / b, 0, b).fill(-horizon / b, b, 2 * b);
  const shares = coupling ? computeSourceWeights(coupling) : [];
  shares.forEach((share, i) => (weights[2 * b + i] = lambda0 * (share - 1 / s)));

  const points = stackRows(coupling ? [onward, landed, sources] : [onward, landed]);
  const allTimes = new Float64Array(2 * b + s);
  allTimes.set(times);
  allTimes.set(times, b);
  return sumOfValues(network, inputsOf(points, allTimes, condition), weights);
}

/**
 * Computes the positions of the pairs at their times, and one step later on the straight path.
 * @returns I_j = (1 - t_j)x_j + t_j·y_j, I'_j = I_j + (y_j - x_j)/H, and the moves y_j - x_j, B×d
 * each
 */
export function interpolate(
  { sources, targets, pairs, times }: CoupledBatch,
  horizon: number,
): { readonly point: Matrix; readonly onward: Matrix; readonly moves: Matrix } {
  const point = new Matrix(targets.rows, targets.cols);
  const onward = new Matrix(targets.rows, targets.cols);
  const moves = new Matrix(targets.rows, targets.cols);
  for (let c = 0; c < targets.cols; c++) {
    for (let j = 0; j < targets.rows; j++) {
      const k = j + c * targets.rows;
      const x = sources.get(atInt(pairs, j), c);
      const move = targets.get(j, c) - x;
      moves.data[k] = move;
      point.data[k] = x + at(times, j) * move;
      onward.data[k] = at(point.data, k) + move / horizon;
    }
  }
  return { point, onward, moves };
}

/** Computes x - ∇ₓV(x, t)/H, n×d: the next point under the policy of V. */
function policyStep(
  network: Network,
  points: Matrix,
  times: ArrayLike<number> | number,
  horizon: number,
  condition?: readonly number[],
): Matrix {
  const slope = spatialGradient(network, inputsOf(points, times, condition), points.cols);
  return new Matrix(
    points.rows,
    points.cols,
    points.data.map((x, k) => x - at(slope.data, k) / horizon),
  );
}

/**
 * The second-order variant: computes mean_j |∇ₓV(I_j, t_j) + y_j - x_j|²/2, to which the first term
 * of the dual step's loss converges for H → ∞, and its gradient. The mixed derivative is a central
 * difference of ∇_θ V along the residual, accurate to about 1e-8. It is not used for training: it
 * is an independent check of what the dual step approximates.
 */
export function valueGradientMatching(
  network: Network,
  batch: CoupledBatch,
  horizon: number,
): WeightedSum {
  const { times, condition } = batch;
  const { point, moves } = interpolate(batch, horizon);
  const slope = spatialGradient(network, inputsOf(point, times, condition), point.cols);
  const residual = slope.data.map((g, k) => g + at(moves.data, k));
  const shift = (by: number) =>
    new Matrix(
      point.rows,
      point.cols,
      point.data.map((x, k) => x + by * at(residual, k)),
    );
  const delta = 1e-4;
  const points = stackRows([shift(delta), shift(-delta)]);
  const weights = new Float64Array(2 * point.rows);
  const weight = 1 / (2 * delta * point.rows);
  weights.fill(weight, 0, point.rows).fill(-weight, point.rows);
  const inputs = inputsOf(points, Float64Array.of(...times, ...times), condition);
  return {
    ...sumOfValues(network, inputs, weights),
    value: sum(residual.map((r) => r ** 2)) / (2 * point.rows),
  };
}

/** Stacks matrices of the same width vertically. */
function stackRows(blocks: readonly Matrix[]): Matrix {
  const rows = blocks.reduce((total, block) => total + block.rows, 0);
  const out = new Matrix(rows, blocks[0]?.cols ?? 0);
  for (let c = 0; c < out.cols; c++) {
    let from = 0;
    for (const block of blocks) {
      out.column(c).set(block.column(c), from);
      from += block.rows;
    }
  }
  return out;
}
