import { at, Matrix, type Stream } from "@fedclair/linalg";
import { drawPairs } from "./coupling.js";
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
import { sinkhorn } from "./sinkhorn.js";

/**
 * How a network is trained and read. value: value-driven transport. flow-matching: the network is
 * a velocity v(x, t), fitted to x₁ − x₀ along the lines between independent pairs (Lipman et al.
 * 2023; rectified flow without reflow, Liu et al. 2023). ot-cfm: the same with the exact optimal
 * transport of each batch as pairs (Tong et al. 2024). sb-cfm: the velocity of a Schrödinger bridge
 * of noise σ, fitted along Brownian bridges between pairs of the entropic transport (the same).
 */
export const methods = ["value", "flow-matching", "ot-cfm", "sb-cfm"] as const;
export type TransportMethod = (typeof methods)[number];
type FlowMethod = Exclude<TransportMethod, "value">;

/** Error of a plan from which one pair per target is drawn; less would not be noticed. */
const drawTolerance = 1e-3;

/** Keeps a bridge's velocity finite at its ends, as in torchcfm. */
const endGuard = 1e-8;

/**
 * Computes the gradient of mean_j |v(P_j, t_j) − u_j|² with t_j uniform in (0, 1). Without noise
 * P_j is I_j = (1 − t_j)x_j + t_j·y_j and u_j the move y_j − x_j. On a bridge P_j = I_j +
 * σ√(t_j(1 − t_j))·z_j and u_j = (1 − 2t_j)/(2t_j(1 − t_j))·(P_j − I_j) + y_j − x_j.
 * @param sources n×d
 * @param targets n×d
 * @param sigma σ of the bridge, above 0; only for sb-cfm
 */
export async function flowGradient(
  network: Network,
  { method, sigma }: { readonly method: FlowMethod; readonly sigma: number },
  sources: Matrix,
  targets: Matrix,
  condition: readonly number[],
  rng: Stream,
): Promise<ModuleMatrices> {
  const n = targets.rows;
  const pairs = await pair(method, sources, targets, sigma, rng.at("pairs"));
  const times = Float64Array.from({ length: n }, () => rng.uniform());
  // Only the points and moves are used, which do not depend on the horizon.
  const lines = interpolate({ sources, targets, pairs, times }, 1);
  const { point, moves } =
    method === "sb-cfm" ? addBridgeNoise(lines, times, sigma, rng.at("noise")) : lines;
  const inputs = inputsOf(point, times, condition);
  const velocity = outputsOf(network, inputs);
  const weights = velocity.data.map((v, k) => (2 / n) * (v - at(moves.data, k)));
  return outputGradient(network, inputs, new Matrix(n, targets.cols, weights));
}

/** Chooses a source for each target. */
async function pair(
  method: FlowMethod,
  sources: Matrix,
  targets: Matrix,
  sigma: number,
  rng: Stream,
): Promise<Int32Array> {
  switch (method) {
    case "flow-matching":
      return Int32Array.from({ length: targets.rows }, (_, j) => j);
    case "ot-cfm":
      return assignExactly(squaredDistances(sources, targets));
    case "sb-cfm": {
      const costs = squaredDistances(sources, targets);
      const plan = sinkhorn(costs, 2 * sigma ** 2, drawTolerance);
      // A target's column of the plan has the mass of one target, and as a distribution mass 1.
      return drawPairs(plan.scale(targets.rows), rng);
    }
  }
}

/** Moves points off their lines by a Brownian bridge, and adds the velocity that leads back. */
export function addBridgeNoise(
  { point, moves }: Pick<ReturnType<typeof interpolate>, "point" | "moves">,
  times: Float64Array,
  sigma: number,
  rng: Pick<Stream, "normals">,
): { readonly point: Matrix; readonly moves: Matrix } {
  const { rows, cols } = point;
  const noise = rng.normals(rows * cols);
  const out = { point: point.copy(), moves: moves.copy() };
  for (let k = 0; k < noise.length; k++) {
    const t = at(times, k % rows);
    const shift = sigma * Math.sqrt(t * (1 - t)) * at(noise, k);
    out.point.data[k] = at(point.data, k) + shift;
    const back = (1 - 2 * t) / (2 * t * (1 - t) + endGuard);
    out.moves.data[k] = at(moves.data, k) + back * shift;
  }
  return out;
}
