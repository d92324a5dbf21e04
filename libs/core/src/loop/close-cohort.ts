import type { Collected } from "./collect.js";
import { summarizeAnswers, type Trained } from "./record.js";
import { nextControls, type ControlVariates } from "./control-variates.js";
import type { RoundPlan } from "./round-plan.js";
import type { Arrived, Stepped } from "./run-step.js";
import type { ServerCode } from "./server-plugins.js";
import type { AttackStates, TrialState } from "./trial-state.js";

/** A round in which no client will answer any more. */
export interface ClosedRound {
  /** The answers, after attacks. */
  readonly trained: Trained;
  readonly attacks: AttackStates;
  /** SCAFFOLD's control variates after the round; absent in other arms. */
  readonly controls?: ControlVariates;
  /** @throws ArmFault if a plug-in throws or returns something else than its contract says */
  readonly aggregate: () => Promise<Stepped>;
}

/**
 * Closes a round whose updates are all held: lets omniscient attacks rewrite them.
 * @throws ArmFault if an attack fails
 */
export async function closeCohort(
  plan: RoundPlan,
  before: TrialState,
  { cohort, collected }: Pick<Arrived, "cohort"> & { readonly collected: Collected },
  when: Pick<Arrived, "round" | "phase">,
  server: ServerCode,
): Promise<ClosedRound> {
  const attacked = await server.attackCohort(plan, collected, when, before);
  const { updates } = attacked.collected;
  const controls = plan.scaffold && nextControls(before, plan.clientIds.length, updates);
  return {
    trained: summarizeAnswers(attacked.collected),
    attacks: attacked.states,
    ...(controls && { controls: await controls }),
    aggregate: () => server.runStep(plan, before, { ...when, cohort, updates }),
  };
}
