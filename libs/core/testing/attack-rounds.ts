import { deserialize, serialize } from "node:v8";
import { stream } from "@fedclair/linalg";
import type { Attack, AttackedRound } from "../src/contracts/attack.js";
import type { Update } from "../src/tensors/update.js";
import { anyUpdate } from "./attacked.js";

/** Updates of clients that are not contaminated. */
export const honest = ["h1", "h2", "h3"].map((id) => anyUpdate(id));
/** Of an attack's clients, which may train adapters of unequal rank. */
export const own = [anyUpdate("a1", 2), anyUpdate("a2", 3), anyUpdate("a3", 2)];

/** Two phases take turns, and another client misses each round. */
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

/** What an attack sends in each round, and its state then, which between two rounds is stored and read again. */
export function playAttack(attack: Attack, seen: readonly AttackedRound[], start?: unknown) {
  let state = start;
  return seen.map((one) => {
    const forged = attack.attackRound?.(one, deserialize(serialize(state)));
    if (forged?.state !== undefined) ({ state } = forged);
    return { updates: forged?.updates, state };
  });
}
