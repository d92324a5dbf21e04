import { finishUpdate } from "../trial/finish-update.js";
import { errorMessage, failure } from "../words/errors.js";
import type { Job } from "../contracts/pool.js";
import type { Collected } from "./collect.js";
import { readmit } from "./readmit.js";
import type { RoundPlan } from "./round-plan.js";
import { admitFor, type TrialState } from "./trial-state.js";

/**
 * Completes the updates of external clients, whose hosts know neither the mods nor the attacks of
 * the trial. The results are those that a host of simulated clients would send.
 */
export async function finishExternal(
  plan: RoundPlan,
  collected: Collected,
  { round, phase }: Pick<Job, "round" | "phase">,
  state: Pick<TrialState, "params" | "ask">,
): Promise<Collected> {
  const { contamination, mods, rng, onCode } = plan;
  return await readmit(collected, admitFor(state), async (update) => {
    const { clientId } = update;
    if (!needsFinish(plan, clientId)) return update;
    try {
      const sending = { round, phase, clientId };
      const finishing = { contamination, mods, rng };
      return { ...(await finishUpdate(finishing, update, sending, onCode)), clientId };
    } catch (error) {
      return failure("CLIENT_ERROR", errorMessage(error));
    }
  });
}

/** Does a mod or an attack change the update of this client at the coordinator? */
export function needsFinish(
  { contamination, external, mods }: Pick<RoundPlan, "contamination" | "external" | "mods">,
  clientId: string,
): boolean {
  if (!external.has(clientId)) return false;
  const { attack } = contamination.get(clientId) ?? {};
  return attack?.corruptUpdate !== undefined || mods.some(({ mod }) => mod.client !== undefined);
}
