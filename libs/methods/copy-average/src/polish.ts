import { setImmediate } from "node:timers/promises";
import { cholesky, choleskySolve, Matrix, at } from "@fedclair/linalg";
import type { Objective } from "./distillation.js";
import { largest } from "./gradient-flow.js";

const slopeAtEnd = 1e-11;
const maximumTries = 500;
const triesOfAStep = 40;

/**
 * Takes damped Newton steps to a minimum, until no entry of the gradient is above 1e-11. A step
 * requires a positive definite H + λI and a decreasing loss, so unlike plain Newton it does not
 * settle on a saddle. Yields to the event loop.
 */
export async function polish(objective: Objective, start: Float64Array): Promise<Float64Array> {
  let point = evaluatePoint(objective, start);
  let damping = 1e-2;
  let tries = 0;
  while (point.slope > slopeAtEnd && tries < maximumTries) {
    const hessian = objective.hessian(point.x);
    const before = point;
    for (let retry = 0; retry < triesOfAStep && tries < maximumTries && point === before; retry++) {
      if (++tries % 16 === 0) await setImmediate();
      const damped = hessian.copy();
      for (let i = 0; i < damped.rows; i++)
        damped.data[i * (damped.rows + 1)] = damped.get(i, i) + damping;
      const factor = cholesky(damped);
      if (factor) {
        const move = choleskySolve(factor, new Matrix(damped.rows, 1, point.gradient)).data;
        const next = evaluatePoint(
          objective,
          point.x.map((x, i) => x - at(move, i)),
        );
        if (isBetter(next, point)) point = next;
      }
      if (point === before) damping = Math.max(4 * damping, 1e-12);
    }
    if (point === before) break;
    damping = damping < 3e-12 ? 0 : damping / 3;
  }
  return point.x;
}

interface Point {
  readonly x: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
  /** Largest absolute entry of the gradient. */
  readonly slope: number;
}

function evaluatePoint(objective: Objective, x: Float64Array): Point {
  const gradient = objective.gradient(x);
  return { x, value: objective.value(x), gradient, slope: largest(gradient) };
}

/** Near the end the loss cannot resolve improvements that the gradient still shows. */
function isBetter(next: Point, point: Point): boolean {
  return (
    next.value < point.value || (next.value <= point.value + 1e-14 && next.slope < point.slope)
  );
}
