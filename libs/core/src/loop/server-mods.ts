import type { Received } from "../contracts/mod.js";
import type { Admit } from "../contracts/pool.js";
import type { Metrics, Update } from "../tensors/update.js";
import type { TrialMod } from "../trial/mods.js";
import { errorMessage, UserError } from "../words/errors.js";

/** The states of mods, by `TrialMod.key`. */
export type ModStates = ReadonlyMap<string, unknown>;

/** The metrics that mods report, by client id and name of the mod. */
export type ModMetrics = ReadonlyMap<string, Readonly<Record<string, Metrics>>>;

/**
 * Runs the server halves of mods in reverse order: the last wrapping is removed first.
 * @param received its `rng` is the trial's stream
 * @param onCode called before a mod runs: `server() of mod 'x'`
 * @throws UserError naming the mod, if it throws or returns updates of other clients
 */
export async function runServerHalves(
  mods: readonly TrialMod[],
  received: Received,
  before: ModStates,
  admit: Admit,
  onCode?: (code: string) => void,
): Promise<{
  readonly updates: readonly Update[];
  readonly states: ModStates;
  readonly metrics: ModMetrics;
}> {
  const states = new Map(before);
  const reported = new Map<string, Record<string, Metrics>>();
  let { updates } = received;
  const { round, phase, rng } = received;
  for (const { key, name, mod } of mods.toReversed()) {
    if (!mod.server) continue;
    const own = rng.at("mod", key, phase, round);
    onCode?.(`server() of mod '${name}'`);
    try {
      const passed = await mod.server({ ...received, updates, rng: own }, states.get(key));
      if (passed.updates) updates = checkPassed(passed.updates, updates, admit);
      if (passed.state !== undefined) states.set(key, passed.state);
      for (const [id, metrics] of passed.metrics ?? []) {
        reported.set(id, { ...reported.get(id), [name]: metrics });
      }
    } catch (error) {
      const cause = error instanceof UserError ? error.cause : error;
      throw new UserError(`mod '${name}': ${errorMessage(error)}`, undefined, cause);
    }
  }
  return { updates, states, metrics: reported };
}

/** Checks that a mod returned updates of the same clients that a client could have sent. */
function checkPassed(
  passed: readonly Update[],
  received: readonly Update[],
  admit: Admit,
): readonly Update[] {
  const hasSame =
    passed.length === received.length &&
    passed.every(({ clientId }, i) => clientId === received[i]?.clientId);
  if (!hasSame) {
    const ids = passed.map(({ clientId }) => clientId).join(" ");
    throw new UserError(`expected updates of the same clients in their order, got '${ids}'`);
  }
  for (const update of passed) {
    const failure = admit(update);
    if (failure) throw new UserError(`the update of client ${update.clientId}: ${failure.message}`);
  }
  return passed;
}
