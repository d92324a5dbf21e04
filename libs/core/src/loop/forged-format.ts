import type { Stream } from "@fedclair/linalg";
import type { Admit, Job } from "../contracts/pool.js";
import type { Update } from "../tensors/update.js";
import { runClientHalves, type TrialMod } from "../trial/mods.js";
import type { Collected } from "./collect.js";

/**
 * Converts the updates that attacks forged at the coordinator to the format that clients must use,
 * and admits them again, because a number may overflow in fewer bits.
 * @param sent the updates before the attacks
 * @param onCode called before a mod runs: `client() of mod 'x'`
 */
export async function formatForged(
  mods: readonly TrialMod[],
  { updates, failures }: Collected,
  sent: readonly Update[],
  when: Pick<Job, "round" | "phase">,
  admit: Admit,
  rng: Stream,
  onCode?: (code: string) => void,
): Promise<Collected> {
  const formats = mods.filter(({ mod }) => mod.isFormat);
  const asSent = new Set(sent);
  const admitted: Update[] = [];
  const rejected = new Map(failures);
  for (const update of updates) {
    const { clientId } = update;
    if (formats.length === 0 || asSent.has(update)) {
      admitted.push(update);
      continue;
    }
    const result = await runClientHalves(formats, update, { ...when, clientId }, rng, onCode);
    const forged = { ...update, ...result };
    const failure = admit(forged);
    if (failure) rejected.set(clientId, failure);
    else admitted.push(forged);
  }
  return { updates: admitted, failures: rejected };
}
