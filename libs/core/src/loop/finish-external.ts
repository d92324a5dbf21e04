import { finishUpdate } from "../trial/finish-update.js";
import type { Update } from "../tensors/update.js";
import { errorMessage, failure } from "../words/errors.js";
import type { Job } from "../contracts/pool.js";
import type { Collected } from "./collect.js";
import type { RoundPlan } from "./round-plan.js";
import { admitFor, type TrialState } from "./trial-state.js";

/**
 * Completes the updates of external clients, whose hosts know neither the mods nor the attacks of
 * the trial. The results are those that a host of simulated clients would send.
 */
export async function finishExternal(
  plan: RoundPlan,
  { updates, failures }: Collected,
  { round, phase }: Pick<Job, "round" | "phase">,
  state: Pick<TrialState, "params" | "ask">,
): Promise<Collected> {
  const { contamination, mods = [], rng, onCode } = plan;
  const admit = admitFor(state);
  const sent: Update[] = [];
  const failed = new Map(failures);
  for (const update of updates) {
    const { clientId } = update;
    if (!needsFinish(plan, clientId)) {
      sent.push(update);
      continue;
    }
    try {
      const sending = { round, phase, clientId };
      const finishing = { contamination, mods, rng };
      const finished = await finishUpdate(finishing, update, sending, onCode);
      const own = { ...finished, clientId };
      const rejection = admit(own);
      if (rejection) failed.set(clientId, rejection);
      else sent.push(own);
    } catch (error) {
      failed.set(clientId, failure("CLIENT_ERROR", errorMessage(error)));
    }
  }
  return { updates: sent, failures: failed };
}

/** Does a mod or an attack change the update of this client at the coordinator? */
export function needsFinish(
  { contamination, external, mods = [] }: Pick<RoundPlan, "contamination" | "external" | "mods">,
  clientId: string,
): boolean {
  if (external?.has(clientId) !== true) return false;
  const { attack } = contamination.get(clientId) ?? {};
  return attack?.corruptUpdate !== undefined || mods.some(({ mod }) => mod.client !== undefined);
}
