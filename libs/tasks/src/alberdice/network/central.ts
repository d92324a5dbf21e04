import type { Stream } from "@fedclair/linalg";
import type { Policy } from "../policy.js";
import { agentsIn, initialNetworks, policiesOf, type Game, type Networks } from "./networks.js";
import type { Samples } from "./samples.js";
import { cloneData, takeTurn, type TrainingSettings } from "./train.js";

export interface CentralSettings extends TrainingSettings {
  /** Adam steps of the data policies, before everything else. */
  readonly dataSteps: number;
  /** A weight of the KL penalty a sweep. */
  readonly alphas: readonly number[];
  readonly gamma: number;
}

/**
 * The sample-based AlberDICE with all data in one place: data policies first, then the agents in turn.
 * @param rng where the networks begin
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
    const cloned = { ...settings, steps: dataSteps };
    networks = merged(networks, await cloneData(game, samples, networks, agent, cloned));
  }
  for (const alpha of alphas) {
    for (const agent of agentsIn(game)) {
      const turn = { ...settings, alpha };
      networks = merged(networks, await takeTurn(game, samples, networks, agent, turn));
    }
  }
  return policiesOf(game, networks, hidden);
}

function merged(networks: Networks, changed: Networks): Networks {
  return new Map([...networks, ...changed]);
}
