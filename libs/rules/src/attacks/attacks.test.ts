import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { playAttack, describeAttack, twoPhases } from "@fedclair/core/testing";
import { attacks, create } from "../../testing/attacks/updates.js";

// Three attacks are left out: `broken` does not send usable updates, `contaminated-data` depends on
// the task, and `declared` does nothing. They have tests of their own.
const apart = ["broken", "contaminated-data", "declared"];

/** These attacks send no change at first; their own tests cover what follows. */
const idleAtFirst = ["free-rider", "stale"];

for (const [name, plugin] of attacks) {
  if (apart.includes(name)) continue;
  // The departure of alie from the mean depends on the number of attackers.
  const countsAttackers = name === "alie";
  describeAttack(plugin, { idleAtFirst: idleAtFirst.includes(name), countsAttackers });
}

describe("attacks with state", () => {
  for (const [name, options] of [
    ["free-rider", { kind: "last" }],
    ["stale", { delay: 1 }],
    ["stale", { delay: 3 }],
    ["backdoor", {}],
  ] as const) {
    it(`${name} ${JSON.stringify(options)} continues from a stored state, through two phases`, () => {
      const whole = playAttack(create(name, options), twoPhases);
      const rest = playAttack(create(name, options), twoPhases.slice(3), whole[2]?.state);
      assert.deepEqual(rest, whole.slice(3));
      // Something was remembered and sent.
      assert.notDeepEqual(
        whole[4]?.updates,
        playAttack(create(name, options), twoPhases.slice(4))[0]?.updates,
      );
    });
  }

  it("are the only ones that keep state", () => {
    const keep = [...attacks.keys()].filter((name) => {
      if (apart.includes(name)) return false;
      const [first] = playAttack(create(name), twoPhases.slice(0, 1));
      return first?.state !== undefined;
    });
    assert.deepEqual(keep, ["stale", "backdoor"]);
  });
});

describe("the documentation of attacks", () => {
  it("has a row for each", () => {
    const page = new URL("../../../../../docs/aggregators-and-attacks.md", import.meta.url);
    const [, section = ""] = /^## Attacks\n([^]*?)^## /m.exec(readFileSync(page, "utf8")) ?? [];
    const rows = [...section.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
    assert.deepEqual(rows.sort(), [...attacks.keys()].sort());
  });
});
