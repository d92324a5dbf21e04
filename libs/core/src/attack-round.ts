import type { Collected } from "./collect.js";
import type { Contaminated, Contamination } from "./contamination.js";
import type { Work } from "./contracts.js";
import type { Failure } from "./errors.js";
import type { Update } from "./update.js";

/**
 * Gives omniscient attacks the sight of a round that only a simulation can: rewrites the collected updates of their
 * clients, given all honest ones. What they forge must be admitted like any other update.
 */
export function attackRound(
  { updates, failures }: Collected,
  { admit, phase, round }: Pick<Work, "admit" | "phase" | "round">,
  contamination: Contamination,
): Collected {
  const honest = updates.filter(({ clientId }) => !contamination.has(clientId));
  const forgers = new Map<Contaminated, Update[]>();
  for (const update of updates) {
    const contaminated = contamination.get(update.clientId);
    if (!contaminated?.attack.attackRound) continue;
    const own = forgers.get(contaminated) ?? [];
    own.push(update);
    forgers.set(contaminated, own);
  }
  const forged = new Map<string, Update>();
  for (const [{ attack, common }, own] of forgers) {
    const rng = common.at("forge", phase, round);
    for (const update of attack.attackRound?.(own, honest, rng) ?? [])
      forged.set(update.clientId, update);
  }
  const refused = new Map<string, Failure>();
  const all = updates.map((update) => forged.get(update.clientId) ?? update);
  for (const update of forged.values()) {
    const refusal = admit(update);
    if (refusal) refused.set(update.clientId, refusal);
  }
  return {
    updates: all.filter(({ clientId }) => !refused.has(clientId)),
    failures: new Map([...failures, ...refused]),
  };
}
