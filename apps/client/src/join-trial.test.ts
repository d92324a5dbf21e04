import assert from "node:assert/strict";
import { UserError } from "@fedclair/core";
import { defaultLimits, ScriptedCoordinator } from "@fedclair/wire/testing";
import { joinTrial } from "./join-trial.js";

describe("joinTrial, whose coordinator is hostile", () => {
  for (const [what, trialJson, message] of [
    ["no JSON", "{", /trial is none that this host can read: SyntaxError: .+: install the same/],
    ["nothing", "null", /trial is none that this host can read: TypeError/],
    ["a list", "[]", /trial is none that this host can read: TypeError/],
    ["nested lists", "[".repeat(1e5) + "]".repeat(1e5), /trial is none that this host can read/],
    ["no task", `{"limits":{},"baselines":[],"task":"x"}`, /trial:[^]+task: expected a mapping/],
  ] as const)
    it(`ends with one error for its operator if it sends ${what}`, async () => {
      const coordinator = await ScriptedCoordinator.listen("");
      const welcome = { type: "welcome", backend: "cpu", softwareVersion: "" } as const;
      coordinator.answers = ({ type }) =>
        type === "join" ? { ...welcome, trialJson, ...defaultLimits } : { type: "accepted" };
      const joining = joinTrial({ coordinator: coordinator.url, capacity: 2, backend: "cpu" });
      await assert.rejects(joining, (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, message);
        return true;
      });
      await coordinator.close();
    });
});
