import type { Stream } from "@fedclair/linalg";
import { attackedCount, clientIds } from "../contracts/clients.js";
import type { Attack } from "../contracts/attack.js";
import type { Plugins } from "../contracts/plugin.js";
import { createPlugin, type Trial } from "./trial.js";

/** A contaminated client's attack. */
export interface Contaminated {
  /** Of its entry in the trial file: unique in a trial. */
  readonly key: string;
  /** As records show it. */
  readonly name: string;
  readonly attack: Attack;
  /** Keyed by trial and attack: what its clients draw alike. */
  readonly common: Stream;
}

/** Who is contaminated, and how, by client id. The simulation knows it; the coordinator's aggregator never does. */
export type Contamination = ReadonlyMap<string, Contaminated>;

/**
 * Chooses the contaminated clients of a trial: those named by id first, then `count` or `fraction` of all clients drawn
 * from those left. The same in every process, since it depends on the trial alone.
 */
export function contaminate(trial: Trial, plugins: Plugins, rng: Stream): Contamination {
  if (trial.attacks.length === 0) return new Map();
  const chosen = new Map<string, Contaminated>();
  const all = clientIds(trial.clients);
  const entries = trial.attacks.map((entry, i) => ({ entry, key: `${i}-${entry.attack.name}` }));
  const named = entries.filter(({ entry }) => entry.clients);
  const drawn = entries.filter(({ entry }) => !entry.clients);
  for (const { entry, key } of [...named, ...drawn]) {
    const attack = createPlugin(plugins.attacks, entry.attack);
    const contaminated: Contaminated = {
      key,
      name: attack.label ?? entry.attack.name,
      attack,
      common: rng.at("attack", key),
    };
    const honest = () => all.filter((id) => !chosen.has(id));
    const ids =
      entry.clients ??
      rng.at("contaminated", key).sample(honest(), attackedCount(entry, trial.clients));
    for (const id of ids) chosen.set(id, contaminated);
  }
  // In the order of clients, so that whatever walks over it does not depend on the order of the file.
  const inOrder = new Map<string, Contaminated>();
  for (const id of all) {
    const contaminated = chosen.get(id);
    if (contaminated) inOrder.set(id, contaminated);
  }
  return inOrder;
}
