import type { Params } from "@fedclair/core";
import { sum, item } from "@fedclair/linalg";
import type { GameShape } from "./dataset.js";
import { softmax, type Policy } from "./policy.js";

/** Logits further than this below the row's largest are raised to it. */
const floor = -20;

/**
 * A policy row as logits with mean 0, then cut to ± clip: the bound on what one client can contribute.
 */
export function logitsOf(probabilities: Float64Array, clip: number): Float64Array {
  const logs = probabilities.map((p) => Math.log(p));
  const top = logs.reduce((most, log) => Math.max(most, log), -Infinity);
  const floored = logs.map((log) => Math.max(log - top, floor));
  const mean = sum(floored) / floored.length;
  return floored.map((log) => Math.min(Math.max(log - mean, -clip), clip));
}

/**
 * The logits that all start from, by agent a table of states × actions, row-major: uniform in ± sigma, so that a tie
 * between equally good joint actions is broken once, and alike for everybody.
 * @param uniform draws from [0, 1): agent by agent, state by state, action by action
 */
export function startingLogits(
  { states, actions }: GameShape,
  sigma: number,
  uniform: () => number,
): Float64Array[] {
  return actions.map((count) =>
    Float64Array.from({ length: states * count }, () => sigma * (2 * uniform() - 1)),
  );
}

/** The policy of a logit table. @param logits states × actions, row-major */
export function policyOf(logits: ArrayLike<number>, states: number): Policy {
  const actions = logits.length / states;
  return Array.from({ length: states }, (_, state) =>
    softmax(Float64Array.from({ length: actions }, (_, a) => item(logits, state * actions + a))),
  );
}

/** The policies of all agents, from the logit tables that are circulated. */
export function policiesOf(params: Params, states: number): Policy[] {
  return [...params.values()].map(({ data }) => policyOf(data, states));
}
