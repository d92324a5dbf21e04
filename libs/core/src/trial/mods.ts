import type { Stream } from "@fedclair/linalg";
import type { Mod } from "../contracts/mod.js";
import type { Plugins } from "../contracts/plugin.js";
import type { Job } from "../contracts/pool.js";
import type { TrainResult } from "../contracts/task.js";
import { checkResult } from "../contracts/result.js";
import { createPlugin, type Trial } from "./trial.js";

/** A mod of a trial. */
export interface TrialMod {
  /** The key of its entry in the trial file, unique within the trial. */
  readonly key: string;
  /** The name that records show. */
  readonly name: string;
  readonly mod: Mod;
}

/** Creates the mods of a trial, in the order of its file. */
export function createMods({ mods = [] }: Pick<Trial, "mods">, plugins: Plugins): TrialMod[] {
  return mods.map((choice, i) => {
    const { name } = choice;
    return { key: `${i}-${name}`, name, mod: createPlugin(plugins.mods ?? new Map(), choice) };
  });
}

/** The round, the phase and the client of an update. */
export type Sending = Pick<Job, "round" | "phase" | "clientId">;

/**
 * Runs the client halves of mods, in order.
 * @param rng the trial's stream, from which the streams of the mods come
 * @param onCode called before a mod runs: `client() of mod 'x'`
 */
export async function runClientHalves(
  mods: readonly TrialMod[],
  trained: TrainResult,
  { round, phase, clientId }: Sending,
  rng: Stream,
  onCode?: (code: string) => void,
): Promise<TrainResult> {
  let result = trained;
  for (const { key, name, mod } of mods) {
    const own = rng.at("mod", key, phase, round, clientId);
    if (!mod.client) continue;
    onCode?.(`client() of mod '${name}'`);
    const changed = await mod.client(result, { round, phase, rng: own });
    result = checkResult(changed, `the client half of mod '${name}'`);
  }
  return result;
}
