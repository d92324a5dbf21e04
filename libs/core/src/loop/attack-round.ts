import type { Collected } from "./collect.js";
import type { Contaminated, Contamination } from "../trial/contamination.js";
import type { AttackedUpdates } from "../contracts/attack.js";
import type { Job } from "../contracts/pool.js";
import { UserError, type Failure } from "../words/errors.js";
import { checkStorable } from "../contracts/storable.js";
import { excerpt } from "../words/text.js";
import { describeValue } from "../words/type-text.js";
import type { Update } from "../tensors/update.js";

/** What omniscient attacks remember, by `Contaminated.key`. */
export type AttackStates = ReadonlyMap<string, unknown>;

/**
 * Gives omniscient attacks the sight of a round that only a simulation can: rewrites the collected updates of their
 * clients, given all honest ones. What they send must be admitted like any other update.
 */
export function attackRound(
  { updates, failures }: Collected,
  { round, phase, admit }: Pick<Job, "round" | "phase" | "admit">,
  contamination: Contamination,
  states: AttackStates,
): { collected: Collected; states: AttackStates } {
  const honest = updates.filter(({ clientId }) => !contamination.has(clientId));
  const attackers = new Map<Contaminated, Update[]>();
  for (const update of updates) {
    const contaminated = contamination.get(update.clientId);
    if (!contaminated?.attack.attackRound) continue;
    attackers.set(contaminated, [...(attackers.get(contaminated) ?? []), update]);
  }
  const next = new Map(states);
  const forged = new Map<string, Update>();
  for (const [{ key, attack, common }, own] of attackers) {
    const rng = common.at("forge", phase, round);
    const attacked: unknown = attack.attackRound?.({ own, honest, rng }, states.get(key));
    checkAttacked(attacked, own);
    if (attacked.state !== undefined) {
      checkStorable("the attack's state", attacked.state);
      next.set(key, attacked.state);
    }
    for (const update of attacked.updates) forged.set(update.clientId, update);
  }
  const refused = new Map<string, Failure>();
  for (const update of forged.values()) {
    const refusal = admit(update);
    if (refusal) refused.set(update.clientId, refusal);
  }
  const sent = updates.map((update) => forged.get(update.clientId) ?? update);
  return {
    collected: {
      updates: sent.filter(({ clientId }) => !refused.has(clientId)),
      failures: new Map([...failures, ...refused]),
    },
    states: next,
  };
}

/** An attack that does nothing would make every rule look robust. @throws UserError unless it has an update of each client */
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
  const told = new Set((updates as Partial<Update>[]).map(({ clientId }) => clientId));
  const ids = own.map(({ clientId }) => clientId);
  const lacking = ids.find((id) => !told.has(id));
  if (lacking !== undefined)
    throw new UserError(
      `attackRound returned no update of ${lacking}; expected one of each client in own`,
    );
  const known = new Set<string | undefined>(ids);
  for (const id of told) {
    if (!known.has(id))
      throw new UserError(
        `attackRound returned an update of ${excerpt(String(id))}, which is not in own`,
      );
  }
}
