import { sum, item } from "@fedclair/linalg";
import { actionOf, jointCount, type Dataset, type GameShape } from "./dataset.js";

/** An agent's policy: by state, the probabilities of its actions. */
export type Policy = readonly Float64Array[];

/** Positive weights, scaled to sum to 1. */
export function normalise(weights: Float64Array): Float64Array {
  const total = sum(weights);
  return weights.map((weight) => weight / total);
}

/** Every action alike. */
export function uniformPolicy({ states, actions }: GameShape, agent: number): Policy {
  const count = item(actions, agent);
  return Array.from({ length: states }, () => new Float64Array(count).fill(1 / count));
}

/** exp of logits, normalised; safe for logits of any size. */
export function softmax(logits: Float64Array): Float64Array {
  const top = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  return normalise(logits.map((logit) => Math.exp(logit - top)));
}

/**
 * What an agent does by itself under a joint visit distribution: its marginal, per state; uniform in states without data.
 * @param mass by row and joint action
 */
export function marginalPolicy(data: Dataset, agent: number, mass: Float64Array): Policy {
  const { shape, joints, visited } = data;
  const policy = [...uniformPolicy(shape, agent)];
  visited.forEach((state, row) => {
    const marginal = new Float64Array(item(shape.actions, agent));
    for (let joint = 0; joint < joints; joint++) {
      const action = actionOf(joint, agent, shape);
      marginal[action] = item(marginal, action) + item(mass, row * joints + joint);
    }
    policy[state] = normalise(marginal);
  });
  return policy;
}

/** By joint action: its probability in a state when every agent follows its own policy. */
export function jointProbabilities(
  policies: readonly Policy[],
  state: number,
  shape: GameShape,
): Float64Array {
  return othersProbabilities(policies, undefined, state, shape);
}

/**
 * By joint action: the probability in a state that all agents but one do their part of it.
 * @param agent who is left out; undefined: nobody
 */
export function othersProbabilities(
  policies: readonly Policy[],
  agent: number | undefined,
  state: number,
  shape: GameShape,
): Float64Array {
  const rows = policies.map((policy) => item(policy, state));
  return Float64Array.from({ length: jointCount(shape) }, (_, joint) =>
    rows.reduce(
      (product, row, j) => (j === agent ? product : product * item(row, actionOf(joint, j, shape))),
      1,
    ),
  );
}
