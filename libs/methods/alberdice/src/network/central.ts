import type { Stream } from "@fedclair/linalg";
import type { Policy } from "../policy.js";
import {
  agentsIn,
  initialNetworks,
  computePolicies,
  type Game,
  type Networks,
} from "./networks.js";
import type { Samples } from "./samples.js";
import { cloneData, takeTurn, type TrainingSettings } from "./train.js";

interface CentralSettings extends TrainingSettings {
  /** Adam steps of the data policies, which are trained first. */
  readonly dataSteps: number;
  /** One weight of the KL penalty per sweep. */
  readonly alphas: readonly number[];
  readonly gamma: number;
}

/**
 * Runs the sample-based AlberDICE with all data in one place: first the data policies, then the
 * agents' turns.
 * @param rng draws the initial weights
 * @returns the agents' policies in all states
 */
export async function trainCentrally(
  game: Game,
  samples: Samples,
  settings: CentralSettings,
  rng: Stream,
): Promise<Policy[]> {
  const { hidden, dataSteps, alphas } = settings;
  let networks: Networks = initialNetworks(game, hidden, rng);
  for (const agent of agentsIn(game)) {
    const cloneSettings = { ...settings, steps: dataSteps };
    networks = mergeNetworks(
      networks,
      await cloneData(game, samples, networks, agent, cloneSettings),
    );
  }
  for (const alpha of alphas) {
    for (const agent of agentsIn(game)) {
      const turn = { ...settings, alpha };
      networks = mergeNetworks(networks, await takeTurn(game, samples, networks, agent, turn));
    }
  }
  return computePolicies(game, networks, hidden);
}

function mergeNetworks(networks: Networks, changed: Networks): Networks {
  return new Map([...networks, ...changed]);
}
