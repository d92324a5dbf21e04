import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { readdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { installPython, requirePython } from "./support/python.js";
import { runScript } from "./support/run-script.js";
import { typeCheck } from "./support/type-check.js";

/** Creates a study, named after its template, below a folder with all packages. */
async function createStudy(folder: string, template: string): Promise<string> {
  const created = await fedclair(["new", template, "--template", template], { cwd: folder });
  assert.equal(created.code, 0, created.stderr);
  return join(folder, template);
}

describe("a template of fedclair new", function () {
  const templates = readdirSync(join(workspace, "apps/cli/templates"));

  let folder = "";
  before(async () => {
    folder = await temporaryFolder();
    await symlink(join(workspace, "node_modules"), join(folder, "node_modules"));
    for (const template of templates) await createStudy(folder, template);
  });

  it("passes a type check", async () => {
    const files: string[] = [];
    for (const template of templates) {
      const own = (await readdir(join(folder, template))).filter((file) => file.endsWith(".js"));
      assert.ok(own.length > 0, template);
      files.push(...own.map((file) => join(template, file)));
    }
    const checked = typeCheck(folder, files, ["--types", "node"]);
    assert.equal(checked.status, 0, checked.stdout);
  });

  for (const template of templates) {
    it(`${template} works as its README says`, async function () {
      const study = join(folder, template);
      const readme = await readFile(join(study, "README.md"), "utf8");
      const [, commands = ""] = /^```sh\n([^]*?)^```$/m.exec(readme) ?? [];
      const isExternal = template === "python-clients"; // its clients are below
      assert.match(commands, isExternal ? /^npm test$/m : /^npx fedclair run trial\.yaml$/m);
      // docs/own-experiment.md, which a test runs, has this command with two hosts and a report.
      // The next command, verify, runs all rounds.
      const brief = "--transport memory --no-report --set rounds=1";
      const two =
        "--set 'attacks=[[], [{ attack: { name: mirror-labels }, count: 4 }]]' " +
        "--set 'aggregator=[{ name: median-of-means, groups: 9 }]'";
      const cheap = commands
        .replace(/ run trial\.yaml$/m, `$& ${brief}`)
        .replace(/ sweep sweep\.yaml$/m, `$& ${two}`); // two trials of six
      const { code, stdout, stderr } = await runScript(cheap, study);
      if (code !== 0 && stderr.includes("npm registry")) {
        console.log(`      skipped: ${stderr.trim()}`);
        this.skip(); // its data are fetched from there
      }
      assert.equal(code, 0, stdout.slice(-2000) + stderr);
      assert.match(stdout, isExternal ? /external +12$/m : /\d passed, 0 failed/);
      assert.match(stdout, /\d passing/);
    });
  }
});

describe("the template with Python clients", function () {
  this.timeout(300_000);

  requirePython();

  it("runs them by one command", async () => {
    const python = (await installPython()) ?? "";
    const folder = await temporaryFolder();
    await symlink(join(workspace, "node_modules"), join(folder, "node_modules"));
    const study = await createStudy(folder, "python-clients");
    const start = await readFile(join(study, "package.json"), "utf8");
    const [, words = ""] = /"start": "fedclair (.*)"/.exec(start) ?? [];
    const args = words.split(" ").map((word) => (word === ".venv/bin/python" ? python : word));
    const { code, stdout, stderr } = await fedclair(args, { cwd: study });
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /near-median flagged 3 of 3 contaminated clients in every round \(3\), with no f/,
    );
    assert.match(stdout, /^fedavg +9/m);
  });
});
