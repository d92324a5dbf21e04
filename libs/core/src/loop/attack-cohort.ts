import type { AttackedUpdates } from "../contracts/attack.js";
import type { Admit, Job } from "../contracts/pool.js";
import { checkStorable } from "../contracts/storable.js";
import type { Update } from "../tensors/update.js";
import type { Contaminated } from "../trial/contamination.js";
import { runClientHalves } from "../trial/mods.js";
import { describeValue } from "../words/describe-value.js";
import { errorMessage, UserError, type Failure } from "../words/errors.js";
import { excerpt } from "../words/text.js";
import { ArmFault } from "./arm-fault.js";
import type { Collected } from "./collect.js";
import { readmit } from "./readmit.js";
import type { RoundPlan } from "./round-plan.js";
import { admitFor, type AttackStates, type TrialState } from "./trial-state.js";

/** The answers of a cohort after the attacks, and the states of these. */
export interface Attacked {
  readonly collected: Collected;
  readonly states: AttackStates;
}

type When = Pick<Job, "round" | "phase">;

/**
 * Lets omniscient attacks rewrite the updates of their clients, and converts the result to the
 * trial's format. The forged updates must be admitted like any other.
 * @param honest the updates before the attack
 * @param state the state before the round
 * @throws ArmFault if an attack throws or returns something else than its contract says
 */
export async function attackCohort(
  plan: RoundPlan,
  honest: Collected,
  when: When,
  state: Pick<TrialState, "params" | "ask" | "attacks">,
): Promise<Attacked> {
  const admit = admitFor(state);
  try {
    const attacked = attackRound(plan, honest, when, admit, state.attacks);
    const { collected } = attacked;
    const written = await formatForged(plan, collected, honest.updates, when, admit);
    return { ...attacked, collected: written };
  } catch (error) {
    throw new ArmFault(`an attack failed: ${errorMessage(error)}`, error);
  }
}

function attackRound(
  { contamination, onCode }: Pick<RoundPlan, "contamination" | "onCode">,
  { updates, failures }: Collected,
  { round, phase }: When,
  admit: Admit,
  states: AttackStates,
): Attacked {
  const honest = updates.filter(({ clientId }) => !contamination.has(clientId));
  const attackers = new Map<Contaminated, Update[]>();
  for (const update of updates) {
    const contaminated = contamination.get(update.clientId);
    if (!contaminated?.attack.attackRound) continue;
    attackers.set(contaminated, [...(attackers.get(contaminated) ?? []), update]);
  }
  const next = new Map(states);
  const forged = new Map<string, Update>();
  for (const [{ key, name, attack, common }, own] of attackers) {
    const rng = common.at("forge", phase, round);
    onCode?.(`attackRound() of attack '${name}'`);
    const attacked: unknown = attack.attackRound?.({ own, honest, rng }, states.get(key));
    checkAttacked(attacked, own);
    if (attacked.state !== undefined) {
      checkStorable("the attack's state", attacked.state);
      next.set(key, attacked.state);
    }
    for (const update of attacked.updates) forged.set(update.clientId, update);
  }
  const rejected = new Map<string, Failure>();
  for (const update of forged.values()) {
    const failure = admit(update);
    if (failure) rejected.set(update.clientId, failure);
  }
  const sent = updates.map((update) => forged.get(update.clientId) ?? update);
  return {
    collected: {
      updates: sent.filter(({ clientId }) => !rejected.has(clientId)),
      failures: new Map([...failures, ...rejected]),
    },
    states: next,
  };
}

/**
 * Converts the updates that attacks forged to the format that clients must use, and admits them
 * again, because a number may overflow in fewer bits.
 * @param sent the updates before the attacks
 */
async function formatForged(
  { mods, rng, onCode }: Pick<RoundPlan, "mods" | "rng" | "onCode">,
  collected: Collected,
  sent: readonly Update[],
  when: When,
  admit: Admit,
): Promise<Collected> {
  const formats = mods.filter(({ mod }) => mod.isFormat);
  const asSent = new Set(sent);
  return await readmit(collected, admit, async (update) => {
    if (formats.length === 0 || asSent.has(update)) return update;
    const sending = { ...when, clientId: update.clientId };
    return { ...update, ...(await runClientHalves(formats, update, sending, rng, onCode)) };
  });
}

/**
 * Checks the result of `attackRound`, because an attack that does nothing would make every
 * aggregator look robust.
 * @throws UserError unless there is one update for each client in `own`
 */
function checkAttacked(
  attacked: unknown,
  own: readonly Update[],
): asserts attacked is AttackedUpdates {
  const { updates } = (attacked ?? {}) as Partial<AttackedUpdates>;
  if (attacked instanceof Promise)
    throw new UserError("attackRound returned a promise; expected { updates } at once: not async");
  if (!Array.isArray(updates)) {
    const isObject = typeof attacked === "object" && attacked !== null && !Array.isArray(attacked);
    const got = isObject ? `updates that is ${describeValue(updates)}` : describeValue(attacked);
    throw new UserError(
      `attackRound returned ${got}; expected { updates }, one of each client in own`,
    );
  }
  const sent = new Set((updates as Partial<Update>[]).map(({ clientId }) => clientId));
  const ids = own.map(({ clientId }) => clientId);
  const missing = ids.find((id) => !sent.has(id));
  if (missing !== undefined)
    throw new UserError(
      `attackRound returned no update of ${missing}; expected one of each client in own`,
    );
  const ownIds = new Set<string | undefined>(ids);
  for (const id of sent) {
    if (!ownIds.has(id))
      throw new UserError(
        `attackRound returned an update of ${excerpt(String(id))}, which is not in own`,
      );
  }
}
