import assert from "node:assert/strict";
import { UserError } from "@fedclair/core";
import { parseTrial } from "@fedclair/core/internal";
import { prepare, toyPlugins } from "@fedclair/core/testing";
import { rejectExternalClients } from "./reject-external.js";

describe("rejectExternalClients", () => {
  const trialOf = (more: string) =>
    prepare(
      parseTrial(
        `{ name: t, rounds: 1, clients: 3, task: { name: toy }, aggregator: { name: toy-mean }${more} }`,
        "t.yaml",
        toyPlugins,
      ),
      toyPlugins,
    );
  const readMessage = (resumed?: string) => {
    try {
      rejectExternalClients("t.yaml", trialOf(", external: [c01]"), resumed);
    } catch (error) {
      assert.ok(error instanceof UserError);
      return error.message;
    }
    return assert.fail("nothing is rejected");
  };

  it("explains how to start such a trial, and how to resume it", () => {
    assert.match(
      readMessage(),
      /^t\.yaml: .*1 of its 3 .* Name their Python code .*, or start `(npx )?fedclair coordinator TRIAL --listen /,
    );
    assert.match(
      readMessage("runs/x"),
      /Start `(npx )?fedclair coordinator t\.yaml --out runs\/x --resume --listen /,
    );
  });

  it("accepts a trial with only simulated clients", () => {
    rejectExternalClients("t.yaml", trialOf(""), "runs/x");
  });
});
