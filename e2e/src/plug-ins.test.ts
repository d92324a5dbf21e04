import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fedclair, start } from "./support/command.js";
import { readResultBytes, readRecords, startCoordinator } from "./support/federation.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { listChildren, waitUntilGone, hasProc } from "./support/processes.js";
import { typeCheck } from "./support/type-check.js";

/**
 * Creates a folder outside of the repository with a task, an aggregator, an attack and a trial that
 * uses them.
 */
async function createStudy(): Promise<string> {
  const folder = join(await temporaryFolder(), "study");
  await cp(join(workspace, "apps/cli/templates/own-method"), folder, { recursive: true });
  await symlink(join(workspace, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Inserts code before the first occurrence of a text in a file of the study. */
async function insert(folder: string, file: string, before: string, code: string): Promise<void> {
  const text = await readFile(join(folder, file), "utf8");
  assert.ok(text.includes(before), before);
  await writeFile(
    join(folder, file),
    text.replace(before, () => code + before),
  );
}

/** Sets the version in a folder's package.json. */
async function setVersion(folder: string, version: string): Promise<void> {
  const text = await readFile(join(folder, "package.json"), "utf8");
  const changed = text.replace(/"0\.[12]\.0"/, `"${version}"`);
  await writeFile(join(folder, "package.json"), changed);
}

const allowOptions = ["--plugin", "./mean-estimation.js", "--plugin", "./reverse.js"];

/** Adds a mod to a study, and lets its trial use it. */
async function addMod(folder: string): Promise<void> {
  const halve = `import { definePlugin, scaleDelta } from "@fedclair/core";
    import { z } from "zod";
    export default definePlugin({
      kind: "mod", name: "halve", summary: "Halves.", schema: z.strictObject({}),
      create: () => ({ client: (result) => ({ ...result, delta: scaleDelta(result.delta, 0.5) }) }),
    });`;
  await writeFile(join(folder, "halve.js"), halve);
  await insert(folder, "trial.yaml", "rounds:", "mods: [{ name: halve }]\n");
  await insert(folder, "trial.yaml", "./reverse.js", "./halve.js, ");
}

describe("plug-ins from outside, with a mod", () => {
  let folder: string;
  let newer: string;
  let expected: Awaited<ReturnType<typeof readResultBytes>>;
  before(async () => {
    [folder, newer] = [await createStudy(), await createStudy()];
    for (const study of [folder, newer]) await addMod(study);
    await setVersion(newer, "0.2.0");
    const how = ["--transport", "memory", "--no-report", "--out", "one"];
    const outcome = await fedclair(["run", "trial.yaml", ...how], { cwd: folder });
    assert.equal(outcome.code, 0, outcome.stderr);
    expected = await readResultBytes(join(folder, "one"));
  });

  it("give the bytes of one process on two hosts, and the report can be written again", async () => {
    const run = ["run", "trial.yaml", "--out", "two", "--hosts", "2", "--no-report"];
    const outcome = await fedclair(run, { cwd: folder });
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.deepEqual(await readResultBytes(join(folder, "two")), expected);
    const records = await readRecords(join(folder, "two"));
    const last = records.find(({ arm, round }) => arm === "near-median" && round === 4);
    const verdicts = last?.clients.map(({ attack, verdict }) => [attack, verdict]) ?? [];
    assert.equal(verdicts.filter(([attack]) => attack === "reverse").length, 3);
    for (const [attack, status] of verdicts) {
      assert.equal(status, attack === null ? "benign" : "contaminated");
    }

    const own = ["run", "two/trial.yaml", "--transport", "memory", "--no-report"];
    const again = await fedclair([...own, "--out", "two"], { cwd: folder });
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(await readResultBytes(join(folder, "two")), expected, "by its own trial.yaml");

    const reported = await fedclair(["report", "two"], { cwd: folder });
    assert.equal(reported.code, 0, reported.stderr);
    assert.match(
      reported.stderr,
      /without task 'mean-estimation' 0\.1\.0, aggregator 'near-median' 0\.1\.0, mod 'halve' 0\.1\.0 and attack 'reverse'/,
    );
    const modules = [...allowOptions, "--plugin", "./near-median.js", "--plugin", "./halve.js"];
    const whole = await fedclair(["report", "two", ...modules], { cwd: folder });
    assert.equal(whole.code, 0, whole.stderr);
    assert.equal(whole.stderr, "");
    const two = join(folder, "two");
    const other = await fedclair(["report", two, ...modules], { cwd: newer });
    assert.equal(other.code, 2);
    assert.match(other.stderr, /is version 0\.1\.0 \(code \w+\), this process has version 0\.2\.0/);
    await setVersion(folder, "0.2.0");
    const changed = await fedclair(own, { cwd: folder });
    await setVersion(folder, "0.1.0");
    assert.equal(changed.code, 2);
    assert.match(
      changed.stderr,
      /this process has version 0\.2\.0 .*; name the module to run it with/,
    );
  });

  it("run on hosts whose operators allow them and are rejected by others", async () => {
    const args = ["trial.yaml", "--no-report", "--out", "run"];
    const { coordinator, url } = await startCoordinator(args, { cwd: folder });
    const host = (cwd: string, ...plugins: string[]) =>
      fedclair(["client", "--coordinator", url, "--capacity", "6", ...plugins], { cwd });

    const without = await host(folder);
    assert.equal(without.code, 2);
    assert.match(
      without.stderr,
      /PLUGIN_MISMATCH: the trial's task 'mean-estimation' is version 0\.1\.0 \(code \w+\), the host has none of that name: start the host with --plugin/,
    );
    const withoutMod = await host(folder, ...allowOptions);
    assert.equal(withoutMod.code, 2);
    assert.match(withoutMod.stderr, /mod 'halve' is version 0\.1\.0 .*the host has none/);
    const allowed = [...allowOptions, "--plugin", "./halve.js"];
    const rejected = await host(newer, ...allowed);
    assert.equal(rejected.code, 2);
    assert.match(rejected.stderr, /PLUGIN_MISMATCH: .*, the host has version 0\.2\.0 \(code/);
    await coordinator.waitForOutput(/refused a host .*PLUGIN_MISMATCH/);

    const outcome = await Promise.all([host(folder, ...allowed), host(folder, ...allowed)]);
    assert.deepEqual(
      outcome.map(({ code, stderr }) => (code === 0 ? 0 : stderr)),
      [0, 0],
    );
    assert.equal((await coordinator.ended).code, 0);
    assert.deepEqual(await readResultBytes(join(folder, "run")), expected);
  });
});

describe("plug-ins from outside", () => {
  it("work with sweep, list and the descriptions of plug-ins", async () => {
    const folder = await createStudy();
    const trial = await readFile(join(folder, "trial.yaml"), "utf8");
    await mkdir(join(folder, "sweeps"));
    const grid = trial
      .replace(/^expect:[^]*/m, "sweep: { measures: [global.error.near-median] }\n")
      .replace("rounds: 4", "rounds: 1")
      .replace("strength: 3", "strength: [3, 30]")
      .replaceAll("./", "../");
    await writeFile(join(folder, "sweeps/strengths.yaml"), grid);
    const print = async (...args: string[]) => {
      const { code, stdout, stderr } = await fedclair(args, { cwd: folder });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const sweep = ["sweep", "sweeps/strengths.yaml", "--no-report", "--out", "grid"];
    assert.match(await print(...sweep), /reverse \(30\)|30/);
    const attack = await readFile(join(folder, "reverse.js"), "utf8");
    await writeFile(join(folder, "reverse.js"), `${attack}// another\n`);
    const anew = await fedclair(sweep, { cwd: folder });
    assert.equal(anew.code, 0, anew.stderr);
    assert.doesNotMatch(anew.stderr, /done before/, "the code of a plug-in is part of a trial");
    assert.match(await print("list", "sweeps"), /^sweeps\/strengths\.yaml +2$/m);
    assert.match(await print("list", "trial.yaml"), /^trial\.yaml +mean-estimation +12$/m);
    assert.match(
      await print("plugins", "attacks", "--plugins", "./reverse.js"),
      /reverse {2}The opposite/,
    );
    const schema = JSON.parse(
      await print("plugins", "--schema", "--plugins", "./near-median.js"),
    ) as object;
    assert.match(JSON.stringify(schema), /Clients farther away than this multiple of the median/);
  });

  it("that end all client hosts before the trial starts end it with exit code 3", async () => {
    const folder = await createStudy();
    const failure =
      'if (process.argv.includes("--coordinator")) throw new Error("not on a host");\n';
    await insert(folder, "mean-estimation.js", "export const", failure);
    const { code, stderr } = await fedclair(
      ["run", "trial.yaml", "--hosts", "2", "--out", join(folder, "run")],
      { cwd: folder },
    );
    assert.equal(code, 2, stderr);
    assert.match(stderr, /not on a host/);
    assert.match(stderr, /client host 1 of 2 ended with 2/);
    assert.match(stderr, /client host 2 of 2 ended with 2/);
    assert.match(stderr, /every client host ended, see above/);
    assert.ok(!(await readdir(folder)).includes("run"), "it leaves no run folder behind");
  });

  it("may print anything and throw in clients: each error is reported once, and stdout holds only the answer", async () => {
    const folder = await createStudy();
    const loud = 'console.log("loud"); process.stdout.write("raw\\n");\n';
    await insert(folder, "mean-estimation.js", "import", loud);
    await insert(folder, "mean-estimation.js", "const start = meanOf", loud);
    await insert(folder, "near-median.js", "const points", loud);
    const together =
      'trainCohort: { maxBatch: 4, train: () => Promise.reject(new Error("too wide")) },\n';
    await insert(folder, "mean-estimation.js", "/** Runs once in the coordinator", together);
    const loudOnly = await readFile(join(folder, "mean-estimation.js"), "utf8");
    await insert(folder, "mean-estimation.js", "const metrics = { error", "own.fail();\n");
    for (const how of [
      ["--transport", "memory"],
      ["--hosts", "1"],
    ]) {
      const args = ["run", "trial.yaml", "--json", "--no-report", "--again", "--out", "run"];
      const { code, stdout, stderr } = await fedclair([...args, ...how, "--set", "rounds=2"], {
        cwd: folder,
      });
      assert.equal(code, 5, "no client could measure");
      assert.equal((JSON.parse(stdout) as { name: string }).name, "my-study");
      assert.match(stderr, /^loud\nraw$/m);
      for (const [fault, report] of [
        ["too wide", /task mean-estimation: trainCohort\.train\(\) fails .* \(file:.*js:\d+/],
        ["own.fail is not", /round 1, evaluate: TypeError: .* \(file:.*js:\d+:\d+\)/],
      ] as const) {
        const reported = stderr.split("\n").filter((line) => line.includes(fault));
        assert.equal(reported.length, 1, stderr);
        assert.match(reported[0] ?? "", report);
      }
      assert.match(stderr, /client rounds were lost/);
      const records = JSON.stringify(await readRecords(join(folder, "run")));
      assert.match(records, /"own.fail is not a function"/);
      assert.doesNotMatch(records, /file:/);
    }
    await writeFile(join(folder, "mean-estimation.js"), loudOnly);
    const verified = await fedclair(["verify", "trial.yaml"], { cwd: folder });
    assert.match(verified.stdout, /3 passed, 0 failed\n$/);
    assert.doesNotMatch(verified.stdout, /loud|raw/);
  });

  it("that throw an uncaught error fail alone at clients, and end the coordinator", async () => {
    const folder = await createStudy();
    const late = "setTimeout(() => { throw new Error('too late'); });\n";
    const source = join(folder, "mean-estimation.js");
    const before = await readFile(source, "utf8");
    const faulty1 = `if (index === 1) { ${late} return new Promise(() => 0); }\n`;
    const changed = before
      .replace("openShard: ({ rng })", "openShard: ({ rng, index })")
      .replace("const start = meanOf", `${faulty1}const start = meanOf`);
    await writeFile(source, changed);
    const few = ["--set", "limits.maxLost=50", "--set", "rounds=2"];
    const args = ["trial.yaml", "--no-report", ...few, "--out"];
    for (const how of [
      ["--transport", "memory"],
      ["--hosts", "2"],
    ]) {
      const out = `run-${how.join("")}`;
      const ran = await fedclair(["run", ...args, out, ...how], { cwd: folder });
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stderr, /c01, round 1, train: its thread ended: too late \(.*js:\d+:\d+\)/);
      for (const { clients } of await readRecords(join(folder, out)))
        assert.deepEqual(
          clients.flatMap(({ clientId, failure }) => (failure ? [clientId, failure.message] : [])),
          ["c01", "its thread ended: too late"],
        );
    }
    await writeFile(source, before);

    const endless =
      "setTimeout(() => { throw new Error('lost'); }); return new Promise(() => 0);\n";
    await insert(folder, "near-median.js", "const points", endless);
    const faulty = await startCoordinator([...args, "run-2"], { cwd: folder });
    const reported = await fedclair(
      ["client", "--coordinator", faulty.url, "--capacity", "12", ...allowOptions],
      { cwd: folder },
    );
    assert.equal(reported.code, 1);
    assert.match(reported.stderr, /the trial failed: lost/);
    const { code, stdout, stderr } = await faulty.coordinator.ended;
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^error: uncaught Error: lost \(file:.*near-median\.js:\d+:\d+\)/m);
  });

  it("that fail at the coordinator are reported; an attack that does nothing is rejected", async () => {
    const folder = await createStudy();
    await insert(folder, "near-median.js", "const centre", "updates.fail();\n");
    const how = ["--transport", "memory", "--no-report"];
    const args = ["run", "trial.yaml", "--out", "run", ...how];
    const { code, stdout, stderr } = await fedclair(args, { cwd: folder });
    assert.equal(code, 6);
    assert.match(
      stderr,
      /^near-median could not go on: round 1: TypeError: .* \(file:.*near-median\.js:\d+:\d+\)$/m,
    );
    assert.match(stderr, /^error: 1 arm stopped$/m);
    assert.equal(`${stdout}${stderr}`.split("TypeError").length, 3, "at once, and in the outcome");
    assert.match(
      stdout,
      /^near-median stopped .* Baselines: benign error .* \(fedavg\) and .* \(oracle\)\.$/m,
    );
    const shown = await fedclair(["show", "run"], { cwd: folder });
    assert.match(shown.stdout, /^run: done, 1 arm stopped, began /);
    assert.doesNotMatch(JSON.stringify(await readRecords(join(folder, "run"))), /file:/);
    const idle = `import { definePlugin } from "@fedclair/core"; import { z } from "zod";
      export default definePlugin({ kind: "attack", name: "reverse", summary: "Idle.",
        schema: z.strictObject({ strength: z.number() }), create: () => ({}) });`;
    await writeFile(join(folder, "reverse.js"), idle);
    const refused = await fedclair([...args, "--again"], { cwd: folder });
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /attacks\.0: reverse does nothing: expected one of corruptLabels,/,
    );
  });

  it("that call process.exit end only the thread of their client", async () => {
    const folder = await createStudy();
    await insert(folder, "mean-estimation.js", "const metrics = { error", "process.exit(0);\n");
    const few = ["clients=2", "rounds=1", "attacks=[]", "baselines=[]"];
    const args = ["run", "trial.yaml", "--no-report", "--transport", "memory"];
    const { code, stderr } = await fedclair([...args, ...few.flatMap((key) => ["--set", key])], {
      cwd: folder,
    });
    assert.equal(code, 5, "no client could measure");
    assert.match(
      stderr,
      /c0[01], round 1, evaluate: its thread ended with code 0: does a plug-in call/,
    );
  });

  it("that never return are stopped by Ctrl-C or by killing the command", async function () {
    if (!hasProc) this.skip(); // nothing else tells of the processes that a process has started
    const folder = await createStudy();
    await insert(folder, "near-median.js", "const points", 'console.log("loops"); for (;;);\n');
    const underWay = async (out: string) => {
      const args = ["run", "trial.yaml", "--hosts", "1", "--no-report", "--out", out];
      const run = start(args, { cwd: folder });
      await run.waitForOutput(/^loops$/m);
      return { run, children: listChildren(run.pid).map(({ pid }) => pid) };
    };
    const stopped = await underWay("stopped");
    stopped.run.kill("SIGINT");
    assert.equal((await stopped.run.ended).code, 130);
    await waitUntilGone(stopped.children);
    const orphaned = await underWay("orphaned");
    assert.equal(orphaned.children.length, 2);
    orphaned.run.kill("SIGKILL");
    await waitUntilGone(orphaned.children);
  });

  it("get options with the types of their schemas", async () => {
    const folder = await createStudy();
    const text = await readFile(join(folder, "reverse.js"), "utf8");
    await writeFile(join(folder, "wrong.js"), text.replace("-strength", "strength.length"));
    const files = ["mean-estimation.js", "near-median.js", "reverse.js", "wrong.js"];
    const { stdout } = typeCheck(folder, files);
    assert.match(stdout, /^wrong\.js\(\d+,\d+\): error TS2339: .*'length'.*'number'.*\n$/);
    assert.equal(stdout.match(/error/g)?.length, 1, "only the wrong one");
  });
});
