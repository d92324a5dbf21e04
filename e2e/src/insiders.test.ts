import assert from "node:assert/strict";
import { runScript } from "./support/run-script.js";
import { workspace } from "./support/paths.js";

describe("a host that breaks the protocol", function () {
  this.timeout(60_000);

  // npm run lab -- hostile runs all of them.
  for (const [only, code] of [
    ["sends a", "WRONG_MODULES"],
    ["as a straggler", "LATE"],
  ] as const) {
    it(`affects no other client: '${only}'`, async () => {
      const { code: exit, stdout } = await runScript(
        `node scripts/hostile.js --only '${only}'`,
        workspace,
      );
      assert.match(stdout, /^fine .*$/m);
      assert.match(stdout, new RegExp(`${code}.*; a record of \\d+ bytes`));
      assert.match(stdout, /[1-9] behaviours, 0 not handled\n$/);
      assert.equal(exit, 0, stdout);
    });
  }
});
