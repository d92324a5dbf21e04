import type { Shard, TrainResult } from "@fedclair/core";
import { contaminateData } from "./contaminations.js";
import { countTransitions, type GameShape, type Transition } from "./dataset.js";
import type { Environment } from "./environment.js";
import { nashGap, objective } from "./objective.js";
import type { Options } from "./options.js";
import type { Policy } from "./policy.js";

/** Largest violation of the flow constraint that the solver aims at. */
export const tolerance = 1e-9;

/** A client's private data set of the joint play, contaminated if the client is: drawn anew, and alike, for every job. */
export async function heldTransitions(
  environment: Environment,
  { rng, contamination }: Shard,
): Promise<readonly Transition[]> {
  const drawn = await environment.draw(rng.at("data"));
  return contaminateData(drawn, contamination, environment.shape, rng.at("contamination"));
}

/** On a client's own data, at the last sweep's α: the regularised objective of the policies, and their Nash gap. */
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
