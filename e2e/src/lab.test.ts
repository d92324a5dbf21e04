import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadCatalogue } from "./support/lab.js";
import { temporaryFolder, workspace } from "./support/paths.js";

const lab = (...args: string[]) => run("scripts/lab.js", ...args);

function run(script: string, ...args: string[]) {
  const file = join(workspace, script);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
    cwd: workspace,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("npm run lab", () => {
  it("lists every script on a line of its own", async () => {
    const { status, stdout } = lab();
    assert.equal(status, 0);
    const { labScripts } = await loadCatalogue();
    const scripts = Object.values(labScripts).flat();
    assert.ok(scripts.length > 15);
    assert.equal(new Set(scripts.map(({ name }) => name)).size, scripts.length);
    for (const { name, summary } of scripts) {
      assert.ok(
        stdout.split("\n").some((line) => line.startsWith(`  ${name} `) && line.endsWith(summary)),
        name,
      );
    }
  });

  it("passes arguments and the exit code through", () => {
    const { status, stderr } = lab("fingerprint", "--compare", "one");
    assert.equal(status, 2);
    assert.match(stderr, /^usage: npm run fingerprint/);
  });

  it("describes a script and its options", () => {
    const { status, stdout } = run("studies/clair/check-power.js", "--help");
    assert.equal(status, 0);
    assert.match(stdout, /^ {2}--seeds <value> {2}default: 25$/m);
  });

  it("rejects an unknown name and lists the known ones", () => {
    const { status, stderr } = lab("nothing");
    assert.equal(status, 2);
    assert.match(
      stderr,
      /^error: no script 'nothing': expected one of calibrate, check-power, margin, sybils, /,
    );
  });

  it("runs the scripts that package.json shortens", async () => {
    const { findLabScript } = await loadCatalogue();
    const text = readFileSync(join(workspace, "package.json"), "utf8");
    const { scripts } = JSON.parse(text) as { scripts: Record<string, string> };
    const short = Object.values(scripts)
      .map((command) => /^node scripts\/lab\.js (\S+)$/.exec(command)?.[1])
      .filter((name) => name !== undefined);
    assert.ok(short.length > 0);
    for (const name of short) assert.ok(findLabScript(name), name);
  });
});

describe("npm run lab -- clair-figures", () => {
  it("draws every figure of docs/clair.md", async () => {
    const folder = await temporaryFolder();
    const { status, stderr } = run("studies/clair/clair-figures.js", "--out", folder);
    assert.equal(status, 0, stderr);
    const page = readFileSync(join(workspace, "docs/clair.md"), "utf8");
    const shown = [...page.matchAll(/images\/(clair-[\w-]+\.png)/g)].map(([, name]) => name);
    assert.ok(shown.length > 0);
    assert.deepEqual(readdirSync(folder).sort(), [...new Set(shown)].sort());
    for (const name of readdirSync(folder)) {
      const magic = readFileSync(join(folder, name)).subarray(1, 4).toString();
      assert.equal(magic, "PNG", name);
    }
  });

  it("requires a folder that exists", async () => {
    const missing = join(await temporaryFolder(), "missing");
    const { status, stderr } = run("studies/clair/clair-figures.js", "--out", missing);
    assert.equal(status, 2);
    assert.equal(stderr, `error: --out: expected a folder that exists, got '${missing}'\n`);
  });
});
