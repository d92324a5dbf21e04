import { Matrix, item } from "@fedclair/linalg";
import type { TransportMethod } from "./flow.js";
import { inputsOf, outputsOf, spatialGradient, type Network } from "./network.js";

/**
 * Computes ∇ₓV(x, t) at n points.
 * @param points n×d
 * @returns n×d
 */
type ValueGradient = (points: Matrix, t: number) => Matrix;

/**
 * Follows the policy's paths: x_{h+1} = x_h - ∇ₓV(x_h, h/K)/K. K can differ from the horizon of
 * training; K = 1 generates in one step.
 * @param starts n×d
 * @param steps K ≥ 1
 * @returns K + 1 states, n×d each
 */
export function followPolicy(gradient: ValueGradient, starts: Matrix, steps: number): Matrix[] {
  const path = [starts];
  let x = starts;
  for (let h = 0; h < steps; h++) {
    const { data: slope } = gradient(x, h / steps);
    x = new Matrix(
      x.rows,
      x.cols,
      x.data.map((value, k) => value - item(slope, k) / steps),
    );
    path.push(x);
  }
  return path;
}

/** The request to a conditional network. */
export interface Guidance {
  /** One-hot, zeros for no condition, empty for an unconditional network. */
  readonly condition: readonly number[];
  /** Weight g ≥ 0 of classifier-free guidance; 0 for plain conditioning. */
  readonly weight: number;
}

const unguided: Guidance = { condition: [], weight: 0 };

/**
 * Returns the gradient that `followPolicy` descends: ∇ₓ of the value function (1 + g)·V_condition -
 * g·V_none, or for a flow the negative velocity, so that its steps are those of Euler.
 */
export function guidedGradient(
  network: Network,
  { condition, weight }: Guidance = unguided,
  method: TransportMethod = "value",
): ValueGradient {
  const under = (c: readonly number[]): ValueGradient => {
    return (points, t) => {
      const inputs = inputsOf(points, t, c);
      return method === "value"
        ? spatialGradient(network, inputs, points.cols)
        : outputsOf(network, inputs).scale(-1);
    };
  };
  const conditional = under(condition);
  if (weight === 0) return conditional;
  const free = under(condition.map(() => 0));
  return (points, t) => {
    const without = free(points, t).data;
    const slope = conditional(points, t);
    return new Matrix(
      slope.rows,
      slope.cols,
      slope.data.map((g, k) => (1 + weight) * g - weight * item(without, k)),
    );
  };
}
