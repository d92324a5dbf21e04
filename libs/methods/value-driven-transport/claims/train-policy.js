// Training in one process, and the paths that a trained network moves points along.
import { initialNetwork } from "../dist/src/network.js";
import { followPolicy, guidedGradient } from "../dist/src/sampling.js";
import { canonical, canonicalHidden, trainCentrally } from "../dist/src/training.js";

/**
 * Trains the canonical network with a method.
 * @param d dimensions of the points
 * @param {{ steps: number, learningRate: number }} budget
 */
export async function trainPolicy(method, data, d, budget, rng) {
  const network = await trainCentrally(
    initialNetwork(d + 1, canonicalHidden, rng.at("network"), method === "value" ? 1 : d),
    data,
    { ...canonical, method },
    budget,
    rng.at("training"),
  );
  return { network, follow: followerOf(network, method) };
}

/** Returns a function from starts and a number of steps to the states of their paths. */
export function followerOf(network, method) {
  const gradient = guidedGradient(network, { condition: [], weight: 0 }, method);
  return (starts, steps) => followPolicy(gradient, starts, steps);
}
