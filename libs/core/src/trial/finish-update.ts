import type { Stream } from "@fedclair/linalg";
import { checkResult } from "../contracts/result.js";
import type { TrainResult } from "../contracts/task.js";
import type { Contamination } from "./contamination.js";
import { runClientHalves, type Sending, type TrialMod } from "./mods.js";

/** What changes a client's update before it is sent. */
interface Finishing {
  readonly contamination: Contamination;
  readonly mods: readonly TrialMod[];
  /** The trial's stream. */
  readonly rng: Stream;
}

/**
 * Completes a client's result: mods change it, then an attack may change it. Only a format, which
 * every client must use, is applied after the attack.
 * @param trained the result of `train`
 * @param onCode called before code of a plug-in runs: `client() of mod 'x'`
 */
export async function finishUpdate(
  { contamination, mods, rng }: Finishing,
  trained: TrainResult,
  sending: Sending,
  onCode?: (code: string) => void,
): Promise<TrainResult> {
  const { clientId, phase, round } = sending;
  const contaminated = contamination.get(clientId);
  if (!contaminated?.attack.corruptUpdate)
    return await runClientHalves(mods, trained, sending, rng, onCode);
  const rules = mods.filter(({ mod }) => !mod.isFormat);
  const own = await runClientHalves(rules, trained, sending, rng, onCode);
  onCode?.(`corruptUpdate() of attack '${contaminated.name}'`);
  const attacking = rng.at("train", phase, round, clientId).at("attack");
  const corrupted = await contaminated.attack.corruptUpdate(own, attacking);
  const result = checkResult(corrupted, "corruptUpdate()");
  return await runClientHalves(mods.slice(rules.length), result, sending, rng, onCode);
}
