import type { Received } from "../contracts/mod.js";
import type { Job } from "../contracts/pool.js";
import type { Metrics, Update } from "../tensors/update.js";
import type { TrialMod } from "../trial/mods.js";
import { errorMessage, UserError } from "../words/errors.js";

/** What mods remember, by `TrialMod.key`. */
export type ModStates = ReadonlyMap<string, unknown>;

/** What mods tell of clients, by client id and name of the mod. */
export type ModMetrics = ReadonlyMap<string, Readonly<Record<string, Metrics>>>;

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
  readonly told: ModMetrics;
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
      for (const [id, metrics] of passed.metrics ?? []) {
        told.set(id, { ...told.get(id), [name]: metrics });
      }
    } catch (error) {
      throw new UserError(`mod '${name}': ${errorMessage(error)}`);
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
