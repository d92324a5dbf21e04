import assert from "node:assert/strict";
import { alternate, perturbMarginals, type Turn } from "../src/alternate.js";
import { bridgeShape } from "../src/bridge.js";
import { bridgeEpisodes, bridgeTransitions } from "../src/bridge-data.js";
import { countTransitions, type Dataset } from "../src/dataset.js";
import { matrixShape, repeatJointAction, xorData, xorPayoff } from "../src/matrix-game.js";
import { Mulberry32 } from "@fedclair/tasks/shared";

/** Settings of the measurements in README.md. */
export const eps = 1e-4;
export const sigma = 0.05;
export const exact = { gamma: 0.99, tolerance: 1e-9 };

export type XorName = keyof typeof xorData;

/** Builds sixty XOR transitions in which the given joint actions have equal shares. */
export function xorDataset(name: XorName): Dataset {
  const actions = xorData[name];
  const transitions = actions.flatMap((pair) =>
    repeatJointAction(xorPayoff, pair, 60 / actions.length),
  );
  return countTransitions(transitions, matrixShape(xorPayoff), eps);
}

export function bridgeDataset(random: number, optimal: number, seed = 7): Dataset {
  const episodes = bridgeEpisodes(random, optimal, new Mulberry32(seed));
  return countTransitions(bridgeTransitions(episodes), bridgeShape, eps);
}

/** Draws the perturbed start for a seed. */
export function startPolicies(data: Dataset, seed: number) {
  const rng = new Mulberry32(seed);
  return perturbMarginals(data, sigma, () => rng.next());
}

/** Runs an alternation from the start for a seed and returns all its turns. */
export async function turnsOf(
  data: Dataset,
  alphas: readonly number[],
  seed: number,
): Promise<Turn[]> {
  const turns: Turn[] = [];
  for await (const turn of alternate(data, startPolicies(data, seed), alphas, exact))
    turns.push(turn);
  return turns;
}

/** Returns the policies with which an alternation ends. */
export async function policiesOf(data: Dataset, alphas: readonly number[], seed: number) {
  const policies = (await turnsOf(data, alphas, seed)).at(-1)?.policies;
  assert.ok(policies !== undefined);
  return policies;
}

export function assertNear(actual: number | undefined, expected: number, tolerance: number): void {
  const off = Math.abs((actual ?? NaN) - expected);
  assert.ok(off <= tolerance, `${actual ?? NaN} is not ${expected} ± ${tolerance}`);
}

export function assertWithin(actual: number, least: number, most: number): void {
  assert.ok(actual >= least && actual <= most, `${actual} is not in [${least}, ${most}]`);
}
