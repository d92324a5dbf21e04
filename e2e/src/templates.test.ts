import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { readdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { runScript } from "./support/run-script.js";
import { typeCheck } from "./support/type-check.js";

describe("a template of fedclair new", function () {
  this.timeout(120_000);

  for (const template of readdirSync(join(workspace, "apps/simulator/templates"))) {
    it(`${template} does what its README says, and its types are right`, async function () {
      const folder = await temporaryFolder();
      await symlink(join(workspace, "node_modules"), join(folder, "node_modules"));
      const made = await fedclair(["new", "a-study", "--template", template], { cwd: folder });
      assert.equal(made.code, 0, made.stderr);
      const study = join(folder, "a-study");

      const files = (await readdir(study)).filter((file) => file.endsWith(".js"));
      const checked = typeCheck(study, files, ["--types", "node"]);
      assert.equal(checked.status, 0, checked.stdout);

      const readme = await readFile(join(study, "README.md"), "utf8");
      const [, commands = ""] = /^```sh\nnpm install\n([^]*?)^```$/m.exec(readme) ?? [];
      assert.match(commands, /^npx fedclair run trial\.yaml$/m);
      const { code, stdout, stderr } = await runScript(commands, study);
      if (code !== 0 && stderr.includes("npm registry")) {
        console.log(`      skipped: ${stderr.trim()}`);
        this.skip(); // its data are fetched from there
      }
      assert.equal(code, 0, stdout.slice(-2000) + stderr);
      assert.match(stdout, /\d passed, 0 failed/);
      assert.match(stdout, /\d passing/);
    });
  }
});
