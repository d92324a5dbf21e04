import type { Stream } from "@fedclair/linalg";
import { clientIdAt, clientIndexOf, countAttacked } from "../contracts/clients.js";
import type { Attack } from "../contracts/attack.js";
import { pluginOptions, type PluginChoice } from "../contracts/plugin-choice.js";
import type { DataContamination } from "../contracts/task.js";
import type { Trial } from "./trial.js";

/** A contaminated client's attack. */
export interface Contaminated {
  /** The key of its entry in the trial file, unique within the trial. */
  readonly key: string;
  /** The name that records show. */
  readonly name: string;
  readonly attack: Attack;
  /**
   * The attack on data as a host of external clients is told of it: a kind that the task or the
   * clients know, or the name of an attack on labels. Absent for other attacks.
   */
  readonly data?: DataContamination;
  /** The stream that all clients of the attack share. */
  readonly common: Stream;
}

/** The contaminated clients by id. The simulation knows them; no aggregator does. */
export type Contamination = ReadonlyMap<string, Contaminated>;

/**
 * Chooses the contaminated clients of a trial: first those named by id, then `count` or `fraction`
 * of all clients, drawn from the rest. Every process chooses the same ones, because the choice
 * depends only on the trial.
 * @param attacks one per entry of `trial.attacks`
 */
export function contaminate(
  trial: Pick<Trial, "attacks" | "clients">,
  attacks: readonly Attack[],
  rng: Stream,
): Contamination {
  if (trial.attacks.length === 0) return new Map();
  // Clients have indices here: the ids of all of them would take much memory in every host.
  const chosen = new Map<number, Contaminated>();
  const count = trial.clients;
  const entries = trial.attacks.map((entry, i) => {
    const key = `${i}-${entry.attack.name}`;
    return { entry, key, attack: attacks[i] as Attack };
  });
  const named = entries.filter(({ entry }) => entry.clients);
  const drawn = entries.filter(({ entry }) => !entry.clients);
  const drawBenign = (own: Stream, size: number) => {
    const all = Array.from({ length: count }, (_, i) => i);
    return own.sample(
      all.filter((i) => !chosen.has(i)),
      size,
    );
  };
  for (const { entry, key, attack } of [...named, ...drawn]) {
    const contaminated: Contaminated = {
      key,
      name: attack.label ?? entry.attack.name,
      attack,
      ...dataContamination(attack, entry.attack),
      common: rng.at("attack", key),
    };
    const indices = entry.clients
      ? entry.clients.map((id) => clientIndexOf(id, count))
      : drawBenign(rng.at("contaminated", key), countAttacked(entry, count));
    for (const index of indices) chosen.set(index, contaminated);
  }
  // Sorted by client, so that iterating does not depend on the order of the file.
  const inOrder = [...chosen].sort(([a], [b]) => a - b);
  return new Map(inOrder.map(([index, one]) => [clientIdAt(index, count), one]));
}

function dataContamination(attack: Attack, choice: PluginChoice): Pick<Contaminated, "data"> {
  if (attack.data) return { data: attack.data };
  if (!attack.corruptLabels) return {};
  return { data: { kind: choice.name, options: pluginOptions(choice) } };
}

/** Lists the kinds of contaminated data that hosts of external clients must know. */
export function listExternalContaminations(
  contamination: Contamination,
  external: ReadonlySet<string>,
): readonly string[] {
  const kinds = [...external].flatMap((id) => contamination.get(id)?.data?.kind ?? []);
  return [...new Set(kinds)];
}
