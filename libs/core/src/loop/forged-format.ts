import type { Stream } from "@fedclair/linalg";
import type { Admit, Job } from "../contracts/pool.js";
import type { Update } from "../tensors/update.js";
import { runClientHalves, type TrialMod } from "../trial/mods.js";
import type { Collected } from "./collect.js";
import { readmit } from "./readmit.js";

/**
 * Converts the updates that attacks forged at the coordinator to the format that clients must use,
 * and admits them again, because a number may overflow in fewer bits.
 * @param sent the updates before the attacks
 * @param onCode called before a mod runs: `client() of mod 'x'`
 */
export async function formatForged(
  mods: readonly TrialMod[],
  collected: Collected,
  sent: readonly Update[],
  when: Pick<Job, "round" | "phase">,
  admit: Admit,
  rng: Stream,
  onCode?: (code: string) => void,
): Promise<Collected> {
  const formats = mods.filter(({ mod }) => mod.isFormat);
  const asSent = new Set(sent);
  return await readmit(collected, admit, async (update) => {
    if (formats.length === 0 || asSent.has(update)) return update;
    const sending = { ...when, clientId: update.clientId };
    return { ...update, ...(await runClientHalves(formats, update, sending, rng, onCode)) };
  });
}
