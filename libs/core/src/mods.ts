import type { Stream } from "@fedclair/linalg";
import type { Collected } from "./collect.js";
import type { Job, Mod, Plugins, Received, TrainResult } from "./contracts.js";
import { messageOf, UserError } from "./errors.js";
import { checkedResult } from "./result.js";
import { createPlugin, type Trial } from "./trial.js";
import type { Metrics, Update } from "./update.js";

/** A mod of a trial. */
export interface TrialMod {
  /** Of its entry in the trial file: unique in a trial. */
  readonly key: string;
  /** As records show it. */
  readonly name: string;
  readonly mod: Mod;
}

/** What mods remember, by `TrialMod.key`. */
export type ModStates = ReadonlyMap<string, unknown>;

/** What mods tell of clients, by client id and name of the mod. */
export type Told = ReadonlyMap<string, Readonly<Record<string, Metrics>>>;

/** The mods of a trial, in the order of its file. */
export function modsOf({ mods = [] }: Pick<Trial, "mods">, plugins: Plugins): TrialMod[] {
  return mods.map((choice, i) => {
    const { name } = choice;
    return { key: `${i}-${name}`, name, mod: createPlugin(plugins.mods ?? new Map(), choice) };
  });
}

/** Whose update it is, in which round. */
export type Sending = Pick<Job, "round" | "phase" | "clientId">;

/**
 * The client halves of mods, in order.
 * @param rng of the trial, from which the streams come
 */
export async function clientHalves(
  mods: readonly TrialMod[],
  trained: TrainResult,
  { round, phase, clientId }: Sending,
  rng: Stream,
): Promise<TrainResult> {
  let result = trained;
  for (const { key, name, mod } of mods) {
    const own = rng.at("mod", key, phase, round, clientId);
    if (!mod.client) continue;
    const made = await mod.client(result, { round, phase, rng: own });
    result = checkedResult(made, `the client half of mod '${name}'`);
  }
  return result;
}

/**
 * What attacks made of updates at the coordinator, written as a client must write what it sends, and admitted as it is then: in
 * fewer bits a number may be beyond all numbers.
 * @param sent before the attacks
 */
export async function formatForged(
  mods: readonly TrialMod[],
  { updates, failures }: Collected,
  sent: readonly Update[],
  { admit, ...when }: Pick<Job, "round" | "phase" | "admit">,
  rng: Stream,
): Promise<Collected> {
  const formats = mods.filter(({ mod }) => mod.isFormat);
  const asSent = new Set(sent);
  const written: Update[] = [];
  const refused = new Map(failures);
  for (const update of updates) {
    const { clientId } = update;
    if (formats.length === 0 || asSent.has(update)) {
      written.push(update);
      continue;
    }
    const result = await clientHalves(formats, update, { ...when, clientId }, rng);
    const forged = { ...update, ...result };
    const refusal = admit(forged);
    if (refusal) refused.set(clientId, refusal);
    else written.push(forged);
  }
  return { updates: written, failures: refused };
}

/**
 * The server halves of mods, in reverse order: what was put on last comes off first.
 * @param received with the trial's stream
 * @throws UserError naming the mod, if it fails or does not keep to the updates of the round
 */
export async function serverHalves(
  mods: readonly TrialMod[],
  received: Received,
  before: ModStates,
  admit: Job["admit"],
): Promise<{
  readonly updates: readonly Update[];
  readonly states: ModStates;
  readonly told: Told;
}> {
  const states = new Map(before);
  const told = new Map<string, Record<string, Metrics>>();
  let { updates } = received;
  const { round, phase, rng } = received;
  for (const { key, name, mod } of mods.toReversed()) {
    if (!mod.server) continue;
    const own = rng.at("mod", key, phase, round);
    try {
      const passed = await mod.server({ ...received, updates, rng: own }, states.get(key));
      if (passed.updates) updates = checked(passed.updates, updates, admit);
      if (passed.state !== undefined) states.set(key, passed.state);
      for (const [id, metrics] of passed.told ?? []) {
        told.set(id, { ...told.get(id), [name]: metrics });
      }
    } catch (error) {
      throw new UserError(`mod '${name}': ${messageOf(error)}`);
    }
  }
  return { updates, states, told };
}

/** A mod leaves nobody out and brings nobody in, and what it makes must be what a client could have sent. */
function checked(
  made: readonly Update[],
  given: readonly Update[],
  admit: Job["admit"],
): readonly Update[] {
  const ids = (updates: readonly Update[]) => updates.map(({ clientId }) => clientId).join(" ");
  if (ids(made) !== ids(given)) {
    throw new UserError(`expected updates of the same clients in their order, got '${ids(made)}'`);
  }
  for (const update of made) {
    const refusal = admit(update);
    if (refusal) throw new UserError(`the update of client ${update.clientId}: ${refusal.message}`);
  }
  return made;
}
