import type { Collected } from "./collect.js";
import type { Contaminated, Contamination } from "./contamination.js";
import type { Job } from "./contracts.js";
import type { Failure } from "./errors.js";
import type { Update } from "./update.js";

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
    const attacked = attack.attackRound?.({ own, honest, rng }, states.get(key));
    if (attacked?.state !== undefined) next.set(key, attacked.state);
    for (const update of attacked?.updates ?? []) forged.set(update.clientId, update);
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
