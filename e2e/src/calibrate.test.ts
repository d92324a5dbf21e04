import assert from "node:assert/strict";
import { workspace } from "./support/paths.js";
import { runScript } from "./support/run-script.js";

describe("npm run calibrate", () => {
  it("names the sources if --without fits none of them", async () => {
    const command = "node studies/clair/calibrate.js --pools nowhere --without denosing";
    const { code, stderr } = await runScript(command, workspace);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^error: --without denosing: no source has it in its name; expected a part of one of '/m,
    );
    assert.match(stderr, /'denoising, common part'/);
  });
});
