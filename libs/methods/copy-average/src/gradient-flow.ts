import { setImmediate } from "node:timers/promises";
import { at } from "@fedclair/linalg";

const relativeTolerance = 1e-6;
const absoluteTolerance = 1e-8;
const firstStep = 1e-2;
const slopeAtEnd = 3e-3;
const maximumEvaluations = 20_000;

/** The end point of the flow. */
interface FlowEnd {
  readonly x: Float64Array;
  /** Number of gradients that were computed. */
  readonly evaluations: number;
}

/**
 * Follows dx/dt = −∇L from `start` by Dormand and Prince's method of order 5(4), until no entry of
 * the gradient is above 3e-3, or for at most 20 000 gradients. The tolerances are those of the
 * reference cases. Results depend on them, because the end point is one of several minima. Yields
 * to the event loop.
 */
export async function gradientFlow(
  gradient: (x: Float64Array) => Float64Array,
  start: Float64Array,
): Promise<FlowEnd> {
  let x: Float64Array = start.slice();
  let slope: Float64Array = gradient(x);
  let step = firstStep;
  let evaluations = 1;
  for (let tries = 1; largest(slope) >= slopeAtEnd && evaluations < maximumEvaluations; tries++) {
    if (tries % 100 === 0) await setImmediate();
    const { next, nextSlope, error } = tryStep(gradient, x, slope, step);
    evaluations += stages.length;
    if (error <= 1) {
      x = next;
      slope = nextSlope;
    }
    step *= Number.isFinite(error) ? clip(0.9 * (error + 1e-12) ** -0.2, 0.2, 5) : 0.1;
  }
  return { x, evaluations };
}

/** Returns the largest absolute entry. */
export function largest(x: Float64Array): number {
  return x.reduce((most, entry) => Math.max(most, Math.abs(entry)), 0);
}

/**
 * The coefficients of Dormand and Prince (1980): each stage after the first starts from this
 * combination of the slopes so far. The last row is the step itself.
 */
const stages: readonly (readonly number[])[] = [
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];

/** Weights of the error estimate: order 5 minus order 4. */
const errorWeights = [
  71 / 57600,
  0,
  -71 / 16695,
  71 / 1920,
  -17253 / 339200,
  22 / 525,
  -1 / 40,
] as const;

/**
 * Tries one step.
 * @param slope the gradient at x, which is the first stage
 */
function tryStep(
  gradient: (x: Float64Array) => Float64Array,
  x: Float64Array,
  slope: Float64Array,
  step: number,
) {
  const slopes = [slope];
  let next = x;
  for (const weights of stages) {
    next = descend(x, step, weights, slopes);
    slopes.push(gradient(next));
  }
  const difference = descend(new Float64Array(x.length), step, errorWeights, slopes);
  let squares = 0;
  for (let i = 0; i < x.length; i++) {
    const size = Math.max(Math.abs(at(x, i)), Math.abs(at(next, i)));
    squares += (at(difference, i) / (absoluteTolerance + relativeTolerance * size)) ** 2;
  }
  return {
    next,
    nextSlope: slopes.at(-1) ?? slope,
    error: Math.sqrt(squares / x.length),
  };
}

/** Computes x − step·Σ weights_s·slopes_s. */
function descend(
  x: Float64Array,
  step: number,
  weights: readonly number[],
  slopes: readonly Float64Array[],
): Float64Array {
  const out = x.slice();
  weights.forEach((weight, s) => {
    const slope = slopes[s];
    if (weight === 0 || slope === undefined) return;
    for (let i = 0; i < out.length; i++) out[i] = at(out, i) - step * weight * at(slope, i);
  });
  return out;
}

function clip(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
