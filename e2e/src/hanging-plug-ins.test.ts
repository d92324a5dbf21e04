import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fedclair, start } from "./support/command.js";
import { readRecords, readResultBytes, startCoordinator } from "./support/federation.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { hasProc, listChildren, waitUntilGone } from "./support/processes.js";

/** A task whose client 0 does not return from training. */
const task = `
  import { definePlugin } from "@fedclair/core";
  import { z } from "zod";
  const paramsOf = (x) => new Map([["w", { shape: [1], data: Float64Array.of(x) }]]);
  export default definePlugin({
    kind: "task", name: "hang", summary: "Client 0 does not return.", schema: z.strictObject({}),
    create: () => ({
      start: () => Promise.resolve({ params: paramsOf(0) }),
      openShard: async ({ index }) => ({
        train: async ({ params }) => {
          if (index === 0) console.log("loops");
          if (index === 0) for (;;);
          return { numExamples: 1, delta: paramsOf(index - params.get("w").data[0]), metrics: {} };
        },
      }),
    }),
  });`;

const trial = `
  name: hang
  rounds: 3
  clients: 6
  plugins: [./hang.js]
  task: { name: hang }
  aggregator: { name: fedavg }
  evaluate: never`;

/** Limits under which a client that does not return ends within two seconds. */
const quick = ["--set", "limits.clientSeconds=1", "--set", "limits.answerSeconds=20"];

async function createStudy(): Promise<string> {
  const folder = join(await temporaryFolder(), "study");
  await mkdir(folder);
  await symlink(join(workspace, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(join(folder, "hang.js"), task);
  await writeFile(join(folder, "trial.yaml"), trial);
  return folder;
}

describe("a client that never returns", () => {
  it("is named and fails, and is not asked again; memory and a host give the same bytes", async () => {
    const cwd = await createStudy();
    // Client 1 lets others run, but awaits for ever.
    const waits = "if (index === 1) await new Promise(() => {});\n          return { numExamples";
    await writeFile(join(cwd, "hang.js"), task.replace("return { numExamples", waits));
    const bytes = [];
    for (const [out, ...how] of [
      ["memory", "--transport", "memory"],
      ["host", "--hosts", "1"],
    ] as const) {
      const args = ["run", "trial.yaml", "--no-report", ...quick, "--out", out, ...how];
      const { code, stdout, stderr } = await fedclair([...args, "--set", "rounds=2"], { cwd });
      assert.equal(code, 5, `the answers of c00 and c01 are lost: ${stderr}`);
      const hung = "train\\(\\) of task 'hang' did not return within 1 s";
      const late = "train\\(\\) of task 'hang' gave no result after 1 s";
      for (const why of [`c00, round 1, train: ${hung}`, `c01, round \\d, train: ${late}`])
        assert.equal(stderr.match(new RegExp(why, "g"))?.length, 1, stderr);
      assert.match(stdout, /^c00 +benign +CLIENT_HUNG /m);
      assert.match(stdout, new RegExp(`^c00 hung: fedavg, round 1: ${hung}`, "m"));
      const records = await readRecords(join(cwd, out));
      const failures = records.map(({ clients }) => clients.map(({ failure }) => failure));
      assert.deepEqual(
        failures.map(([first]) => `${first?.code}: ${first?.message}`),
        [
          "CLIENT_HUNG: train() of task 'hang' did not return within 1 s (limits.clientSeconds)",
          "CLIENT_HUNG: not asked: it hung in round 1 (limits.hangRetries = 0)",
        ],
      );
      assert.deepEqual(
        failures.map(([, second]) => second?.code),
        ["CLIENT_TIMEOUT", "CLIENT_TIMEOUT"],
      );
      assert.deepEqual(
        failures.flatMap(([, , ...others]) => others),
        new Array(8).fill(null),
      );
      bytes.push(await readResultBytes(join(cwd, out)));
    }
    assert.deepEqual(bytes[0], bytes[1]);
  });

  it("does not keep a run in memory from ending on SIGTERM", async () => {
    const cwd = await createStudy();
    const args = ["run", "trial.yaml", "--transport", "memory", "--no-report", "--out", "run"];
    const run = start(args, { cwd });
    await run.waitForOutput(/^loops$/m);
    run.kill("SIGTERM");
    assert.equal((await run.ended).code, 130);
  });

  it("does not keep a host from ending, with its coordinator or on SIGTERM", async function () {
    if (!hasProc) this.skip(); // nothing else tells of the processes that a process has started
    const cwd = await createStudy();
    for (const stopped of ["coordinator", "host"]) {
      const args = ["trial.yaml", "--no-report", "--again", "--out", "run"];
      const { coordinator, url } = await startCoordinator(args, { cwd });
      const options = ["--coordinator", url, "--capacity", "6", "--plugin", "./hang.js"];
      const host = start(["client", ...options], { cwd });
      await host.waitForOutput(/^loops$/m);
      const children = listChildren(host.pid).map(({ pid }) => pid);
      (stopped === "host" ? host : coordinator).kill("SIGTERM");
      assert.equal((await host.ended).code, 130);
      await waitUntilGone(children);
      coordinator.kill("SIGTERM");
      await coordinator.ended;
    }
  });
});

describe("a client that prints 5 MB", () => {
  it("fills neither terminal nor disk, and sends no codes to a terminal", async () => {
    const cwd = await createStudy();
    const print =
      'if (index === 0) console.log("\\x1b[2J".repeat(1.2e6));\n' +
      'for (let left = index === 1 ? "straight\\n" : ""; left !== ""; ) {\n' +
      '  try { left = left.slice((await import("node:fs")).writeSync(1, left)); }\n' +
      '  catch (error) { if (error.code !== "EAGAIN") throw error; } // the pipe is full\n' +
      "}";
    await writeFile(join(cwd, "hang.js"), task.replace(/if \(index === 0\)[^]*for \(;;\);/, print));
    const run = ["run", "trial.yaml", "--hosts", "1"];
    const { code, stdout, stderr } = await fedclair(run, { cwd });
    assert.equal(code, 0, stderr.slice(-500));
    assert.match(stderr, /straight/);
    assert.doesNotMatch(stdout, /straight/, "stdout is for results");
    assert.ok(stderr.length < 1.1e6, String(stderr.length));
    assert.equal(stderr.match(/…\nplug-ins have printed 1048576 characters; more is/g)?.length, 1);
    assert.doesNotMatch(stderr.replaceAll("\n", ""), /\p{Cc}/u);
  });
});

describe("a client that kills or stops the process of its host", () => {
  before(function () {
    if (!hasProc) this.skip(); // a process that is stopped is only found through /proc
  });

  for (const signal of ["KILL", "STOP"])
    it(`is named, and does not run again: SIG${signal}`, async () => {
      const cwd = await createStudy();
      const kill = `if (index === 1) execSync("kill -${signal} " + process.pid);`;
      const killing = task
        .replace("import { z }", 'import { execSync } from "node:child_process";\n  import { z }')
        .replace(/if \(index === 0\) console.*\n.*for \(;;\);/, kill);
      await writeFile(join(cwd, "hang.js"), killing);
      const args = ["run", "trial.yaml", "--no-report", "--hosts", "2", "--out", "run"];
      const { code, stderr } = await fedclair([...args, "--set", "limits.quorum=0.8"], { cwd });
      assert.equal(code, 5, stderr);
      const ends = stderr.match(
        /client host \d of 2 ended with SIGKILL \(train of c01 in round 1\)/g,
      );
      assert.equal(ends?.length, 2, "the first time somebody else may have done it");
      const records = await readRecords(join(cwd, "run"));
      const why = "not run again: it ended its host with SIGKILL (train of c01 in round 1)";
      for (const { clients } of records)
        assert.deepEqual(
          clients.flatMap(({ clientId, failure }) => (failure ? [clientId, failure.message] : [])),
          ["c01", why],
        );
    });
});

describe("a plug-in that never returns while its trial is read", () => {
  const spin = "for (;;) try { for (;;); } catch {}";

  for (const [what, source] of [
    ["top level", spin],
    ["schema", task.replace("z.strictObject({})", `z.strictObject({}).refine(() => { ${spin} })`)],
    ["create", task.replace("create: () => ({", `create: () => { ${spin} }, other: () => ({`)],
    ["checkClients", task.replace("create:", `checkClients: () => { ${spin} }, create:`)],
  ] as const)
    it(`ends the command with an error that names it: ${what}`, async () => {
      const cwd = await createStudy();
      await writeFile(join(cwd, "hang.js"), source);
      const limit = ["--set", "limits.serverSeconds=1"];
      const args = ["run", "trial.yaml", "--transport", "memory", "--out", "run", ...limit];
      const { code, stderr } = await fedclair(args, { cwd });
      assert.equal(code, 2);
      const why =
        what === "top level"
          ? "cannot be imported: its top level did not return"
          : "did not return";
      assert.match(
        stderr,
        new RegExp(`^error: trial\\.yaml:5:13: plugins: '\\./hang\\.js': ${why} within 1 s`),
      );
      assert.doesNotMatch(stderr, /debugger/);
    });
});
