import { at, Matrix, type Stream } from "@fedclair/linalg";
import { interpolate } from "./dual-step.js";
import { squaredDistances } from "./metrics.js";
import {
  inputsOf,
  outputGradient,
  outputsOf,
  type ModuleMatrices,
  type Network,
} from "./network.js";
import { assignExactly } from "./optimal-transport.js";

/**
 * How a network is trained and read. value: value-driven transport. flow-matching: the network is
 * a velocity v(x, t), fitted to x₁ − x₀ along the lines between independent pairs (Lipman et al.
 * 2023; rectified flow without reflow, Liu et al. 2023). ot-cfm: the same with the exact optimal
 * transport of each batch as pairs (Tong et al. 2024).
 */
export const methods = ["value", "flow-matching", "ot-cfm"] as const;
export type Method = (typeof methods)[number];
export type FlowMethod = Exclude<Method, "value">;

/**
 * Computes the gradient of mean_j |v(I_j, t_j) − (y_j − x_j)|² with I_j = (1 − t_j)x_j + t_j·y_j
 * and t_j uniform in (0, 1).
 * @param sources n×d
 * @param targets n×d
 */
export async function flowGradient(
  network: Network,
  method: FlowMethod,
  sources: Matrix,
  targets: Matrix,
  condition: readonly number[],
  rng: Stream,
): Promise<ModuleMatrices> {
  const n = targets.rows;
  const pairs =
    method === "ot-cfm"
      ? await assignExactly(squaredDistances(sources, targets))
      : Int32Array.from({ length: n }, (_, j) => j);
  const times = Float64Array.from({ length: n }, () => rng.uniform());
  // Only the points and moves are used, which do not depend on the horizon.
  const { point, moves } = interpolate({ sources, targets, pairs, times }, 1);
  const inputs = inputsOf(point, times, condition);
  const velocity = outputsOf(network, inputs);
  const weights = velocity.data.map((v, k) => (2 / n) * (v - at(moves.data, k)));
  return outputGradient(network, inputs, new Matrix(n, targets.cols, weights));
}
