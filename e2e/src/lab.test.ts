import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadCatalogue } from "./support/lab.js";
import { workspace } from "./support/paths.js";

function lab(...args: string[]) {
  const script = join(workspace, "scripts/lab.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
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

  it("rejects an unknown name and lists the known ones", () => {
    const { status, stderr } = lab("nothing");
    assert.equal(status, 2);
    assert.match(stderr, /^error: no script 'nothing': expected one of calibrate, power, /);
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
