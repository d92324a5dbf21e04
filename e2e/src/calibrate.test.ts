import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseBank } from "@fedclair/clair";
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

  it("has made the banks of CLAIR's page, each without its source", async () => {
    const folder = join(workspace, "libs/clair/claims/banks");
    const files = await readdir(folder);
    assert.equal(files.length, 4);
    for (const file of files) {
      const bank = parseBank(JSON.parse(await readFile(join(folder, file), "utf8")), file);
      assert.match(bank.name, new RegExp(`, ${file.slice(0, -".json".length).replace("-", " ")}$`));
    }
  });
});
