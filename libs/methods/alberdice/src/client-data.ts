import type { Shard, TrainResult } from "@fedclair/core";
import { at } from "@fedclair/linalg";
import { contaminateData } from "./contaminations.js";
import { jointProbabilities, type Policy } from "./policy.js";
import { countTransitions, jointIndex, type GameShape, type Transition } from "./dataset.js";
import type { Environment } from "./environment.js";
import { nashGap, objective } from "./objective.js";
import type { Options } from "./options.js";

/** Target for the largest violation of the flow constraint. */
export const tolerance = 1e-9;

/**
 * Draws a client's private data of the joint play, contaminated if the client is contaminated.
 * Every job draws the same data again.
 */
export async function drawTransitions(
  environment: Environment,
  shard: Shard,
): Promise<readonly Transition[]> {
  const { rng, contamination } = shard;
  const drawn = await environment.draw(rng.at("data"), shard);
  return contaminateData(drawn, contamination, environment.shape, rng.at("contamination"));
}

/**
 * Measures policies on a client's own data at the last sweep's α: the regularised objective, the
 * Nash gap, and the share of unseen joint actions.
 */
export async function measurePlay(
  transitions: readonly Transition[],
  policies: readonly Policy[],
  shape: GameShape,
  { gamma, alphaLast, eps }: Options,
): Promise<TrainResult> {
  const data = countTransitions(transitions, shape, eps);
  const options = { alpha: alphaLast, gamma, tolerance };
  const metrics = {
    objective: objective(data, policies, options).value,
    regularisedNashGap: await nashGap(data, policies, options),
    unseenShare: computeUnseenShare(transitions, policies, shape),
  };
  return { numExamples: data.transitions, delta: new Map(), metrics };
}

/**
 * Computes the probability that the agents, in a state drawn from the data, choose a joint action
 * that the data never have in this state: an out-of-distribution joint action.
 */
export function computeUnseenShare(
  transitions: readonly Transition[],
  policies: readonly Policy[],
  shape: GameShape,
): number {
  const seen = new Map<number, Set<number>>();
  for (const { state, actions } of transitions) {
    const joints = seen.get(state) ?? new Set();
    seen.set(state, joints.add(jointIndex(actions, shape)));
  }
  const unseen = new Map(
    [...seen].map(([state, joints]): [number, number] => {
      const shares = jointProbabilities(policies, state, shape);
      const total = [...joints].reduce((sum, joint) => sum + at(shares, joint), 0);
      return [state, Math.max(0, 1 - total)];
    }),
  );
  const total = transitions.reduce((sum, { state }) => sum + (unseen.get(state) ?? 0), 0);
  return total / transitions.length;
}
