import type { Params } from "@fedclair/core";
import { sum, item } from "@fedclair/linalg";
import type { GameShape } from "./dataset.js";
import { softmax, type Policy } from "./policy.js";

/** Lowest logit relative to the row's largest; lower ones are raised to it. */
const floor = -20;

/**
 * Converts a policy row into logits with mean 0, clipped to ± clip. The clip bounds what one client
 * can contribute.
 */
export function toLogits(probabilities: Float64Array, clip: number): Float64Array {
  const logs = probabilities.map((p) => Math.log(p));
  const top = logs.reduce((most, log) => Math.max(most, log), -Infinity);
  const floored = logs.map((log) => Math.max(log - top, floor));
  const mean = sum(floored) / floored.length;
  return floored.map((log) => Math.min(Math.max(log - mean, -clip), clip));
}

/**
 * Draws the initial logits, one table of states × actions per agent, row-major. They are uniform in
 * ± sigma, so that a tie between equally good joint actions is broken once, and in the same way for
 * all clients.
 * @param uniform draws from [0, 1): agent by agent, state by state, action by action
 */
export function drawInitialLogits(
  { states, actions }: GameShape,
  sigma: number,
  uniform: () => number,
): Float64Array[] {
  return actions.map((count) =>
    Float64Array.from({ length: states * count }, () => sigma * (2 * uniform() - 1)),
  );
}

/**
 * Converts a logit table into a policy.
 * @param logits states × actions, row-major
 */
export function toPolicy(logits: ArrayLike<number>, states: number): Policy {
  const actions = logits.length / states;
  return Array.from({ length: states }, (_, state) =>
    softmax(Float64Array.from({ length: actions }, (_, a) => item(logits, state * actions + a))),
  );
}

/** Converts the circulated logit tables into the policies of all agents. */
export function toPolicies(params: Params, states: number): Policy[] {
  return [...params.values()].map(({ data }) => toPolicy(data, states));
}
