import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { attacks } from "./index.js";
import { playAttack, describeAttack, twoPhases } from "@fedclair/core/testing";
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

describe("attacks that remember", () => {
  for (const [name, options] of [
    ["free-rider", { kind: "last" }],
    ["stale", { delay: 1 }],
    ["stale", { delay: 3 }],
    ["backdoor", {}],
  ] as const) {
    it(`${name} ${JSON.stringify(options)} goes on from a stored state, through two phases`, () => {
      const whole = playAttack(create(name, options), twoPhases);
      const rest = playAttack(create(name, options), twoPhases.slice(3), whole[2]?.state);
      assert.deepEqual(rest, whole.slice(3));
      // Something was remembered, and sent.
      assert.notDeepEqual(
        whole[4]?.updates,
        playAttack(create(name, options), twoPhases.slice(4))[0]?.updates,
      );
    });
  }

  it("are all that keep state", () => {
    const keep = [...attacks.keys()].filter((name) => {
      if (apart.includes(name)) return false;
      const [first] = playAttack(create(name), twoPhases.slice(0, 1));
      return first?.state !== undefined;
    });
    assert.deepEqual(keep, ["stale", "backdoor"]);
  });
});

describe("the page of attacks", () => {
  it("has a row of each", () => {
    const page = new URL("../../../../docs/aggregators-and-attacks.md", import.meta.url);
    const [, table] = readFileSync(page, "utf8").split("## Attacks");
    const rows = [...(table ?? "").matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
    assert.deepEqual(rows.sort(), [...attacks.keys()].sort());
  });
});
