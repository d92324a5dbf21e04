import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { savePool } from "./support/adapter-pools.js";
import { temporaryFolder, workspace } from "./support/paths.js";

/** Replaces python3 and pip. Each step exits with the code in a variable, 0 by default. */
const python3 = `#!/bin/sh
case "$*" in
  *version_info*) echo "\${VERSION:-3.11}" ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  *" download "*) exit \${INDEX:-0} ;;
  *" install "*) echo "pip said this" >&2; exit \${INSTALL:-0} ;;
  *smollm2.py*) echo "a tensor differs" >&2; exit \${CONVERT:-0} ;;
esac
`;

/** Copies the scripts, so that the workspace's own environments stay untouched. */
async function copyScripts(): Promise<string> {
  const folder = await temporaryFolder();
  for (const path of [
    "scripts",
    "studies",
    "bench",
    "apps/client-python/pyproject.toml",
    "package.json",
  ]) {
    cpSync(join(workspace, path), join(folder, path), { recursive: true });
  }
  for (const path of ["apps/cli", "libs", "node_modules", "trials"]) {
    symlinkSync(join(workspace, path), join(folder, path));
  }
  mkdirSync(join(folder, "runs/llm/texts"), { recursive: true });
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/python3"), python3, { mode: 0o755 });
  return folder;
}

function run(folder: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  const PATH = `${join(folder, "bin")}:${process.env["PATH"] ?? ""}`;
  const options = { cwd: folder, encoding: "utf8", env: { ...process.env, PATH, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(program, args, options);
  return { status, output: stdout + stderr };
}

describe("scripts that need a Python with packages", function () {
  const environment = async (env: NodeJS.ProcessEnv, ...extras: string[]) => {
    const folder = await copyScripts();
    const script = join(folder, "scripts/python-env.js");
    return { ...run(folder, process.execPath, [script, ...extras], env), folder };
  };

  it("create one, named after its extras", async () => {
    const { status, output, folder } = await environment({}, "flower", "peft");
    assert.deepEqual(
      [status, output],
      [0, `${join(folder, ".python/host-flower-peft/bin/python")}\n`],
    );
  });

  it("reject an unknown extra and list the known ones", async () => {
    const { status, output } = await environment({}, "peft", "flowre");
    assert.equal(status, 2);
    assert.match(
      output,
      /'flowre': expected any of pandas, notebook, torch, peft, llm, flower, flower-server, exports, detectors, test$/m,
    );
  });

  it("skip without Python, with one older than pyproject.toml requires, and without an index", async () => {
    for (const [env, why] of [
      [{ PATH: join(await temporaryFolder(), "none") }, /no Python 3\.11: no python3/],
      [{ VERSION: "3.10" }, /no Python 3\.11: python3 is 3\.10/],
      [{ INSTALL: "1", INDEX: "1" }, /no package index:\npip said this/],
    ] as const) {
      const { status, output } = await environment(env);
      assert.equal(status, 3, output);
      assert.match(output, why);
    }
  });

  it("fail if pip fails although there is an index", async () => {
    const { status, output } = await environment({ INSTALL: "1" });
    assert.equal(status, 1);
    assert.match(output, /pip failed:\npip said this/);
  });

  it("include the tests of Python, which skip with 0 or fail with the code", async () => {
    const folder = await copyScripts();
    const tests = (env: NodeJS.ProcessEnv, ...extras: string[]) =>
      run(folder, "bash", [join(folder, "scripts/test-python.sh"), ...extras], env);
    const skipped = tests({ VERSION: "3.10" });
    assert.equal(skipped.status, 0);
    assert.match(skipped.output, /tests of apps\/client-python skipped/);
    for (const [code, failed] of [
      [1, tests({ INSTALL: "1" })],
      [2, tests({}, "flowre")],
    ] as const) {
      assert.equal(failed.status, code, failed.output);
      assert.doesNotMatch(failed.output, /skipped/);
    }
  });

  it("include the language model, which does not skip after a failed conversion", async () => {
    const folder = await copyScripts();
    const llm = (env: NodeJS.ProcessEnv) =>
      run(folder, process.execPath, [join(folder, "studies/llm/llm.js"), "--trial", "smoke"], env);
    const broken = llm({ CONVERT: "1" });
    assert.equal(broken.status, 1, broken.output);
    assert.match(broken.output, /error: no model: a tensor differs/);
    const offline = llm({ CONVERT: "1", INDEX: "1" });
    assert.equal(offline.status, 0, offline.output);
    assert.match(offline.output, /^skipped: no package index for the model: a tensor differs/);
  });

  it("include benches with other sides, which stop with a message and fail if pip fails", async () => {
    const folder = await copyScripts();
    const bench = (env: NodeJS.ProcessEnv) =>
      run(folder, process.execPath, [join(folder, "bench/run.js"), "--peers", "robust"], env);
    const none = bench({ PATH: join(folder, "none") });
    assert.deepEqual(none, { status: 3, output: "no other sides: no Python 3.11: no python3\n" });
    const broken = bench({ INSTALL: "1" });
    assert.deepEqual(broken, { status: 1, output: "error: pip failed:\npip said this\n" });
  });

  it("include other detectors, without which the audit is measured alone", async function () {
    this.timeout(300_000); // runs eight processes
    const folder = await copyScripts();
    const pools = await temporaryFolder();
    for (const [seed, name] of ["python-even", "perl-even"].entries()) {
      await savePool(join(pools, name), seed); // the shipped bank has these, so it is not tried
    }
    const args = [join(folder, "studies/adapters/detectors.js"), "--piles", "clean,all", "--pools"];
    const none = { PATH: join(folder, "none") };
    const { status, output } = run(folder, process.execPath, [...args, pools], none);
    assert.equal(status, 0, output);
    assert.match(
      output,
      /the detectors in Python are skipped: python-env: no Python 3\.11: no python3/,
    );
    const rows = output.split("\n").filter((line) => line.includes(" of 4: "));
    assert.equal(rows.length, 1, output);
    assert.match(
      rows[0] ?? "",
      /^\| `fedclair audit`, bank of the other pools \| \d+, \d+, \d+ \|/,
    );
    const broken = run(folder, process.execPath, [...args, pools], { INSTALL: "1" });
    assert.equal(broken.status, 1, broken.output);
    const empty = run(folder, process.execPath, [...args, await temporaryFolder()], none);
    assert.equal(empty.status, 2);
    assert.match(empty.output, /expected two pools or more, got 0/);
  });
});
