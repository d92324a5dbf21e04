import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { saveAdapters } from "./support/adapters.js";
import { fedclair } from "./support/command.js";
import { temporaryFolder, workspace } from "./support/paths.js";

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly runs: {
    readonly steps: readonly {
      readonly run: string;
      readonly env: Readonly<Record<string, string>>;
    }[];
  };
}

const readYaml = (name: string) => parse(readFileSync(join(workspace, name), "utf8")) as unknown;
const command = `${process.execPath} ${join(workspace, "apps/cli/bin/fedclair.js")}`;

/** Runs the step of action.yml as GitHub does. @returns its exit code and what it printed */
async function runAction(folder: string, inputs: Readonly<Record<string, string>>) {
  const action = readYaml("action.yml") as Action;
  const [step] = action.runs.steps;
  const env = Object.entries(step?.env ?? {}).map(([name, text]) => {
    const [, input = ""] = /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(text) ?? assert.fail(text);
    return [name, inputs[input] ?? action.inputs[input]?.default ?? assert.fail(input)];
  });
  const options = {
    cwd: folder,
    env: {
      ...process.env,
      ...(Object.fromEntries(env) as Record<string, string>),
      GITHUB_ACTION_PATH: workspace,
      GITHUB_STEP_SUMMARY: join(folder, "summary.md"),
      GITHUB_OUTPUT: join(folder, "output"),
    },
  };
  return await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile("bash", ["-c", step?.run ?? assert.fail()], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

describe("an audit before a merge", function () {
  let folder: string;
  let bad: readonly string[];
  before(async () => {
    folder = await temporaryFolder();
    bad = await saveAdapters(join(folder, "my adapters"), { p: 64, r: 2, count: 20, modules: 2 });
  });
  after(() => rm(folder, { recursive: true }));

  it("fails a job with a contaminated adapter, in SARIF and in its summary", async () => {
    const { code, stdout, stderr } = await runAction(folder, {
      adapters: "\n my adapters \n",
      command,
    });
    assert.equal(code, 4, stderr);
    assert.match(stdout, new RegExp(`What to do next:\n- Leave these out: ${bad.join(" ")}\n`));
    assert.match(stderr, new RegExp(`error: --fail-on: ${bad[0]} is contaminated, `));
    assert.match(
      await readFile(join(folder, "summary.md"), "utf8"),
      /^## Audit of 20 adapters: failed/,
    );
    assert.equal(await readFile(join(folder, "output"), "utf8"), "exit-code=4\n");
    const sarif = await readFile(join(folder, "fedclair.sarif"), "utf8");
    assert.match(sarif, new RegExp(`"uri": "my%20adapters/${bad[0]}/adapter_config.json"`));
  });

  it("passes if all adapters are in the baseline", async () => {
    const { stdout } = await fedclair(["audit", join(folder, "my adapters"), "--json"]);
    await writeFile(join(folder, "known.json"), stdout);
    const inputs = { adapters: "my adapters", baseline: "known.json", sarif: "b.sarif", command };
    const { code, stderr } = await runAction(folder, inputs);
    assert.equal(code, 0, stderr);
    assert.match(
      await readFile(join(folder, "summary.md"), "utf8"),
      /\n## Audit of 20 adapters: passed/,
    );
    const again = await runAction(folder, inputs);
    assert.deepEqual(
      [again.code, /--sarif: 'b\.sarif' exists already/.test(again.stderr)],
      [2, true],
    );
  });

  it("runs no input as a command, and needs an adapter", async () => {
    const inputs = { adapters: "$(touch evil); touch evil", "fail-on": "$(touch evil)", command };
    assert.equal((await runAction(folder, inputs)).code, 2);
    await assert.rejects(readFile(join(folder, "evil")), /ENOENT/);
    const none = await runAction(folder, { adapters: " \n", command });
    assert.deepEqual([none.code, /adapters: expected a folder/.test(none.stdout)], [2, true]);
  });

  it("is what the hook of pre-commit runs", async () => {
    const [hook] = readYaml(".pre-commit-hooks.yaml") as {
      entry: string;
      args: string[];
      files: string;
    }[];
    const words = hook?.entry.split(" ") ?? [];
    assert.deepEqual(words.slice(0, 3), ["npx", "--yes", "fedclair"]);
    const { code } = await fedclair([...words.slice(3), ...(hook?.args ?? [])], { cwd: folder });
    assert.equal(code, 4);
    const isWatched = (path: string) => new RegExp(hook?.files ?? "^$").test(path);
    assert.ok(isWatched("a/adapter_model.safetensors") && isWatched("adapter_config.json"));
    assert.ok(!isWatched("a/config.json"));
  });

  it("exits with 3 if too few adapters can be compared, and with 2 if a hub has none", async () => {
    const few = join(folder, "few");
    await saveAdapters(few, { p: 16, r: 1, count: 7, modules: 1 });
    const { code, stdout, stderr } = await fedclair(["audit", few, "--json"]);
    assert.equal(code, 3);
    assert.match(stderr, /only 7 adapters can be compared, and at least 10 are needed/);
    const { adapters } = JSON.parse(stdout) as { adapters: { status: string }[] };
    assert.ok(adapters.every(({ status }) => status !== "benign"));
    await mkdir(join(folder, "cache"));
    const env = { HF_TOKEN: "hf_secret", HF_HUB_CACHE: join(folder, "cache") };
    const args = ["audit", "hf://org/name", "--hub-url", "http://localhost:9", "--html", "x.html"];
    const away = await fedclair(args, { cwd: folder, env });
    assert.deepEqual([away.code, away.stdout], [2, ""]);
    assert.match(
      away.stderr,
      /^fetching hf:\/\/org\/name …\nerror: hf:\/\/org\/name: cannot reach .*\n$/,
    );
    assert.doesNotMatch(away.stderr, /secret/);
  });
});
