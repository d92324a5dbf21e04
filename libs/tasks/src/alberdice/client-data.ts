import type { Shard, TrainResult } from "@fedclair/core";
import { contaminateData } from "./contaminations.js";
import { countTransitions, type GameShape, type Transition } from "./dataset.js";
import type { Environment } from "./environment.js";
import { nashGap, objective } from "./objective.js";
import type { Options } from "./options.js";
import type { Policy } from "./policy.js";

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
 * Measures policies on a client's own data at the last sweep's α: the regularised objective and the
 * Nash gap.
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
  };
  return { numExamples: data.transitions, delta: new Map(), metrics };
}
