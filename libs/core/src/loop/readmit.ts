import type { Admit } from "../contracts/pool.js";
import type { Update } from "../tensors/update.js";
import type { Failure } from "../words/errors.js";
import type { Collected } from "./collect.js";

/**
 * Changes updates at the coordinator, and admits those that changed again.
 * @param change returns the update itself if it stays, or why the client fails
 */
export async function readmit(
  { updates, failures }: Collected,
  admit: Admit,
  change: (update: Update) => Promise<Update | Failure>,
): Promise<Collected> {
  const admitted: Update[] = [];
  const rejected = new Map(failures);
  for (const update of updates) {
    const changed = await change(update);
    const rejection = "code" in changed || changed === update ? undefined : admit(changed);
    if ("code" in changed) rejected.set(update.clientId, changed);
    else if (rejection) rejected.set(update.clientId, rejection);
    else admitted.push(changed);
  }
  return { updates: admitted, failures: rejected };
}
