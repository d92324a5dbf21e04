import type { Stream } from "@fedclair/linalg";
import type { Job } from "../contracts/pool.js";
import type { Update } from "../tensors/update.js";
import { clientHalves, type TrialMod } from "../trial/mods.js";
import type { Collected } from "./collect.js";

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
