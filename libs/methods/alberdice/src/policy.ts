import { sum, item } from "@fedclair/linalg";
import { actionOf, jointCount, type Dataset, type GameShape } from "./dataset.js";

/** The probabilities of an agent's actions, by state. */
export type Policy = readonly Float64Array[];

/** Scales positive weights to sum to 1. */
export function normalise(weights: Float64Array): Float64Array {
  const total = sum(weights);
  return weights.map((weight) => weight / total);
}

/** Creates the policy that takes all actions with equal probability. */
export function uniformPolicy({ states, actions }: GameShape, agent: number): Policy {
  const count = item(actions, agent);
  return Array.from({ length: states }, () => new Float64Array(count).fill(1 / count));
}

/** Computes the normalised exp of logits; safe for logits of any size. */
export function softmax(logits: Float64Array): Float64Array {
  const top = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  return normalise(logits.map((logit) => Math.exp(logit - top)));
}

/**
 * Computes an agent's own behaviour under a joint visit distribution: the marginal of its actions
 * in each state, uniform in states without data.
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

/**
 * Computes the probability of each joint action in a state when every agent follows its own policy.
 */
export function jointProbabilities(
  policies: readonly Policy[],
  state: number,
  shape: GameShape,
): Float64Array {
  return othersProbabilities(policies, undefined, state, shape);
}

/**
 * Computes, for each joint action, the probability in a state that all agents except one take their
 * part of it.
 * @param agent the agent to leave out; undefined: none
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
