import type { Stream } from "@fedclair/linalg";
import type { Mod } from "../contracts/mod.js";
import type { Plugins } from "../contracts/plugin.js";
import type { Job } from "../contracts/pool.js";
import type { TrainResult } from "../contracts/task.js";
import { checkResult } from "../contracts/result.js";
import { createPlugin, type Trial } from "./trial.js";

/** A mod of a trial. */
export interface TrialMod {
  /** Of its entry in the trial file: unique in a trial. */
  readonly key: string;
  /** As records show it. */
  readonly name: string;
  readonly mod: Mod;
}

/** The mods of a trial, in the order of its file. */
export function createMods({ mods = [] }: Pick<Trial, "mods">, plugins: Plugins): TrialMod[] {
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
export async function runClientHalves(
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
    result = checkResult(made, `the client half of mod '${name}'`);
  }
  return result;
}
