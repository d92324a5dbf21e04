import { deserialize, serialize } from "node:v8";
import { stream } from "@fedclair/linalg";
import type { Attack, AttackedRound } from "../src/contracts/attack.js";
import type { Update } from "../src/tensors/update.js";
import { anyUpdate } from "./attacked.js";

/** Updates of benign clients. */
export const honest = ["h1", "h2", "h3"].map((id) => anyUpdate(id));
/** Updates of an attack's clients, whose adapters differ in rank. */
export const own = [anyUpdate("a1", 2), anyUpdate("a2", 3), anyUpdate("a3", 2)];

/** Rounds of two alternating phases; a different benign client is missing in each. */
export const twoPhases: readonly AttackedRound[] = [1, 2, 3, 4, 5, 6].map((round) => {
  const inPhase = (updates: readonly Update[]) =>
    updates.map((update) => {
      const modules = [...update.delta].filter(
        ([name]) => (name === "pair64") === (round % 3 === 0),
      );
      return { ...update, delta: new Map(modules) };
    });
  const answers = inPhase(honest.filter((_, k) => k !== round % 3));
  return { own: inPhase(own), honest: answers, rng: stream("round").at(round) };
});

/**
 * Plays rounds of an omniscient attack, and returns its updates and state in each. The state is
 * serialized between two rounds.
 */
export function playAttack(attack: Attack, rounds: readonly AttackedRound[], start?: unknown) {
  let state = start;
  return rounds.map((round) => {
    const forged = attack.attackRound?.(round, deserialize(serialize(state)));
    if (forged?.state !== undefined) ({ state } = forged);
    return { updates: forged?.updates, state };
  });
}
