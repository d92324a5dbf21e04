import assert from "node:assert/strict";
import { runScript } from "./support/run-script.js";
import { workspace } from "./support/paths.js";

describe("a host that breaks the protocol", () => {
  it("affects no other client", async () => {
    // Without --only, it runs all behaviours.
    const { code, stdout } = await runScript(
      "node scripts/hostile.js --only 'sends a' --only 'as a straggler'",
      workspace,
    );
    for (const [what, error] of [
      ["sends an additional module", "WRONG_MODULES"],
      ["fails as a straggler", "LATE"],
    ])
      assert.match(stdout, new RegExp(`^fine  ${what}: .*${error}.*; a record of \\d+ bytes`, "m"));
    assert.match(stdout, /[1-9]\d* behaviours, 0 not handled\n$/);
    assert.equal(code, 0, stdout);
  });
});
