import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { type Attack, type AttackedRound, type Update } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { attacks } from "./index.js";
import { anyUpdate, describeAttack } from "@fedclair/core/testing";
import { create } from "../testing/updates.js";

// `broken` is no attack that could pass for an update, `contaminated-data` is the task's, `declared` does nothing: their own
// tests say what they do.
const apart = ["broken", "contaminated-data", "declared"];

/** These send nothing at first; their own tests say what follows. */
const idleAtFirst = ["free-rider", "stale"];

for (const [name, plugin] of attacks) {
  if (apart.includes(name)) continue;
  // The departure of alie from the mean is a matter of how many collude.
  const countsAttackers = name === "alie";
  describeAttack(plugin, { idleAtFirst: idleAtFirst.includes(name), countsAttackers });
}

const honest = ["h1", "h2", "h3"].map((id) => anyUpdate(id));
const own = [anyUpdate("a1", 2), anyUpdate("a2", 3), anyUpdate("a3", 2)];

describe("attacks that remember", () => {
  // Two phases take turns, and another client misses each round.
  const rounds = [1, 2, 3, 4, 5, 6].map((round) => {
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
  for (const [name, options] of [
    ["free-rider", { kind: "last" }],
    ["stale", { delay: 1 }],
    ["stale", { delay: 3 }],
    ["backdoor", {}],
  ] as const) {
    it(`${name} ${JSON.stringify(options)} goes on from a stored state, through two phases`, () => {
      const whole = statesOf(create(name, options), rounds);
      const rest = statesOf(create(name, options), rounds.slice(3), whole[2]?.state);
      assert.deepEqual(rest, whole.slice(3));
      // Something was remembered, and sent.
      assert.notDeepEqual(
        whole[4]?.updates,
        statesOf(create(name, options), rounds.slice(4))[0]?.updates,
      );
    });
  }

  it("are all that keep state", () => {
    const keep = [...attacks.keys()].filter((name) => {
      if (apart.includes(name)) return false;
      const [first] = statesOf(create(name), rounds.slice(0, 1));
      return first?.state !== undefined;
    });
    assert.deepEqual(keep, ["stale", "backdoor"]);
  });
});

/** What an attack sends in each round, and its state then, which between two rounds is stored and read again. */
function statesOf(attack: Attack, rounds: readonly AttackedRound[], start?: unknown) {
  let state = start;
  return rounds.map((seen) => {
    const attacked = attack.attackRound?.(seen, deserialize(serialize(state)));
    if (attacked?.state !== undefined) ({ state } = attacked);
    return { updates: attacked?.updates, state };
  });
}

describe("the page of attacks", () => {
  it("has a row of each", () => {
    const page = new URL("../../../../docs/aggregators-and-attacks.md", import.meta.url);
    const [, table] = readFileSync(page, "utf8").split("## Attacks");
    const rows = [...(table ?? "").matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
    assert.deepEqual(rows.sort(), [...attacks.keys()].sort());
  });
});
