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
  const said = (resumed?: string) => {
    try {
      rejectExternalClients("t.yaml", trialOf(", external: [c01]"), resumed);
    } catch (error) {
      assert.ok(error instanceof UserError);
      return error.message;
    }
    return assert.fail("nothing is rejected");
  };

  it("tells by which command such a trial begins, and by which a run of it goes on", () => {
    assert.match(said(), /^t\.yaml: .*1 of its 3 .* Start `fedclair coordinator TRIAL --listen /);
    const goesOn = "fedclair coordinator t.yaml --out runs/x --resume";
    assert.ok(said("runs/x").includes(`Start \`${goesOn} --listen `), said("runs/x"));
  });

  it("lets trials be all of whose clients are simulated", () => {
    rejectExternalClients("t.yaml", trialOf(""), "runs/x");
  });
});
