import assert from "node:assert/strict";
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fedclair, start } from "./support/command.js";
import { bytesOf, recordsOf, startCoordinator } from "./support/federation.js";
import { temporaryFolder, workspace } from "./support/paths.js";
import { childrenOf, gone, hasProc } from "./support/processes.js";
import { typeCheck } from "./support/type-check.js";

/** A folder outside of the repository with a task, an aggregator and an attack of its own, and a trial of them. */
async function study(): Promise<string> {
  const folder = join(await temporaryFolder(), "study");
  await cp(join(workspace, "apps/cli/templates/own-method"), folder, { recursive: true });
  await symlink(join(workspace, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Puts code before the first place in a file of the study that has this text. */
async function insert(folder: string, file: string, before: string, code: string): Promise<void> {
  const text = await readFile(join(folder, file), "utf8");
  assert.ok(text.includes(before), before);
  await writeFile(
    join(folder, file),
    text.replace(before, () => code + before),
  );
}

/** Raises the version in a folder's package.json. */
async function publishAgain(folder: string): Promise<void> {
  const text = await readFile(join(folder, "package.json"), "utf8");
  await writeFile(join(folder, "package.json"), text.replace('"0.1.0"', '"0.2.0"'));
}

const allowed = ["--plugin", "./mean-estimation.js", "--plugin", "./reverse.js"];

describe("a stranger's plug-ins", () => {
  it("run over sockets on two hosts, to the bytes of one process, and the run is reported again", async () => {
    const folder = await study();
    const run = async (out: string, ...how: string[]) => {
      const ended = await fedclair(["run", "trial.yaml", "--out", out, ...how], { cwd: folder });
      assert.equal(ended.code, 0, ended.stderr);
      return await bytesOf(join(folder, out));
    };
    assert.deepEqual(await run("two", "--hosts", "2"), await run("one", "--transport", "memory"));
    const records = await recordsOf(join(folder, "two"));
    const last = records.find(({ arm, round }) => arm === "near-median" && round === 4);
    const named = last?.clients.map(({ attack, verdict }) => [attack, verdict]) ?? [];
    assert.equal(named.filter(([attack]) => attack === "reverse").length, 3);
    for (const [attack, status] of named) {
      assert.equal(status, attack === null ? "benign" : "contaminated");
    }

    const before = await bytesOf(join(folder, "two"));
    const again = await fedclair(["run", "two/trial.yaml", "--out", "two"], { cwd: folder });
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(await bytesOf(join(folder, "two")), before, "by its own trial.yaml");

    const reported = await fedclair(["report", "two"], { cwd: folder });
    assert.equal(reported.code, 0, reported.stderr);
    assert.match(
      reported.stderr,
      /without task 'mean-estimation' 0\.1\.0 and aggregator 'near-median'/,
    );
    const modules = [...allowed, "--plugin", "./near-median.js"];
    const whole = await fedclair(["report", "two", ...modules], { cwd: folder });
    assert.equal(whole.code, 0, whole.stderr);
    assert.equal(whole.stderr, "");
    await publishAgain(folder);
    const other = await fedclair(["report", "two", ...modules], { cwd: folder });
    assert.equal(other.code, 2);
    assert.match(other.stderr, /is version 0\.1\.0 \(code \w+\), this process has version 0\.2\.0/);
    const changed = await fedclair(["run", "two/trial.yaml"], { cwd: folder });
    assert.equal(changed.code, 2);
    assert.match(
      changed.stderr,
      /this process has version 0\.2\.0 .*; name the module to run it with/,
    );
  });

  it("run on hosts whose operators allow the task and the attack, and are refused by others", async () => {
    const folder = await study();
    const [other, out] = [await study(), join(folder, "run")];
    await publishAgain(other);
    const { coordinator, url } = await startCoordinator(["trial.yaml", "--out", out], {
      cwd: folder,
    });
    const host = (cwd: string, ...plugins: string[]) =>
      fedclair(["client", "--coordinator", url, "--capacity", "6", ...plugins], { cwd });

    const without = await host(folder);
    assert.equal(without.code, 2);
    assert.match(
      without.stderr,
      /PLUGIN_MISMATCH: the trial's task 'mean-estimation' is version 0\.1\.0 \(code \w+\), the host has none of that name: start the host with --plugin/,
    );
    const newer = await host(other, ...allowed);
    assert.equal(newer.code, 2);
    assert.match(newer.stderr, /PLUGIN_MISMATCH: .*, the host has version 0\.2\.0 \(code/);
    await coordinator.says(/refused a host .*PLUGIN_MISMATCH/);

    const ended = await Promise.all([host(folder, ...allowed), host(folder, ...allowed)]);
    assert.deepEqual(
      ended.map(({ code, stderr }) => (code === 0 ? 0 : stderr)),
      [0, 0],
    );
    assert.equal((await coordinator.ended).code, 0);
    assert.equal((await recordsOf(out)).length, 12);
  });

  it("are run by sweeps, verified, listed and described", async () => {
    const folder = await study();
    const trial = await readFile(join(folder, "trial.yaml"), "utf8");
    await mkdir(join(folder, "sweeps"));
    const grid = trial
      .replace(/^expect:[^]*/m, "sweep: { measures: [global.error.near-median] }\n")
      .replace("rounds: 4", "rounds: 1")
      .replace("strength: 3", "strength: [3, 30]")
      .replaceAll("./", "../");
    await writeFile(join(folder, "sweeps/strengths.yaml"), grid);
    const say = async (...args: string[]) => {
      const { code, stdout, stderr } = await fedclair(args, { cwd: folder });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    assert.match(await say("sweep", "sweeps/strengths.yaml", "--out", "grid"), /reverse \(30\)|30/);
    const again = await fedclair(["sweep", "sweeps/strengths.yaml", "--out", "grid"], {
      cwd: folder,
    });
    assert.match(again.stderr, /2\/2 .*: done before/);
    const attack = await readFile(join(folder, "reverse.js"), "utf8");
    await writeFile(join(folder, "reverse.js"), `${attack}// another\n`);
    const anew = await fedclair(["sweep", "sweeps/strengths.yaml", "--out", "grid"], {
      cwd: folder,
    });
    assert.doesNotMatch(anew.stderr, /done before/, "the code of a plug-in is part of a trial");
    assert.match(await say("verify", "trial.yaml"), /3 passed, 0 failed/);
    assert.match(await say("list", "sweeps"), /^sweeps\/strengths\.yaml +2$/m);
    assert.match(await say("list", "trial.yaml"), /^trial\.yaml +mean-estimation +12$/m);
    assert.match(
      await say("plugins", "attacks", "--plugins", "./reverse.js"),
      /reverse {2}The opposite/,
    );
    const schema = JSON.parse(await say("schema", "--plugins", "./near-median.js")) as object;
    assert.match(JSON.stringify(schema), /Clients farther away than this multiple of the median/);
  });

  it("may print what they like: stdout has the answer alone", async () => {
    const folder = await study();
    const loud = 'console.log("loud"); process.stdout.write("raw\\n");\n';
    await insert(folder, "mean-estimation.js", "import", loud);
    await insert(folder, "mean-estimation.js", "const start = meanOf", loud);
    await insert(folder, "near-median.js", "const points", loud);
    for (const how of [
      ["--transport", "memory"],
      ["--hosts", "2"],
    ]) {
      const args = [
        "run",
        "trial.yaml",
        "--json",
        "--no-report",
        "--again",
        "--set",
        "rounds=1",
        ...how,
      ];
      const { code, stdout, stderr } = await fedclair(args, { cwd: folder });
      assert.equal(code, 0, stderr);
      assert.equal((JSON.parse(stdout) as { name: string }).name, "my-study");
      assert.match(stderr, /^loud\nraw$/m);
    }
    const verified = await fedclair(["verify", "trial.yaml"], { cwd: folder });
    assert.match(verified.stdout, /3 passed, 0 failed\n$/);
    assert.doesNotMatch(verified.stdout, /loud|raw/);
  });

  it("that throw where nobody catches it end their process, and a host's clients alone", async () => {
    const folder = await study();
    const late = "setTimeout(() => { throw new Error('too late'); });\n";
    await insert(
      folder,
      "mean-estimation.js",
      "const start = meanOf",
      `if (process.env.LATE) ${late}`,
    );
    const args = ["trial.yaml", "--no-report", "--set", "limits.maxLost=50", "--out"];
    const { coordinator, url } = await startCoordinator([...args, "run"], { cwd: folder });
    const host = (capacity: string, env = {}) =>
      fedclair(["client", "--coordinator", url, "--capacity", capacity, ...allowed], {
        cwd: folder,
        env,
      });
    const [good, bad] = await Promise.all([host("9"), host("3", { LATE: "1" })]);
    assert.equal(bad.code, 1);
    const lines = bad.stderr.split("\n").filter((line) => line.startsWith("error"));
    assert.match(lines.join("\n"), /^error: uncaught Error: too late \(file:.*js:\d+:\d+\): .*$/);
    assert.ok(bad.stderr.length < 4000, "no code is dumped");
    assert.equal(good.code, 0, good.stderr);
    const ended = await coordinator.ended;
    assert.equal(ended.code, 0, ended.stderr);
    const [, second] = await recordsOf(join(folder, "run"));
    const lost = second?.clients.filter(({ failure }) => failure?.code === "HOST_LOST") ?? [];
    assert.equal(lost.length, 3, "those of the host that ended; no other has room");

    const endless =
      "setTimeout(() => { throw new Error('lost'); }); return new Promise(() => 0);\n";
    await insert(folder, "near-median.js", "const points", endless);
    const faulty = await startCoordinator([...args, "run-2"], { cwd: folder });
    const told = await fedclair(
      ["client", "--coordinator", faulty.url, "--capacity", "12", ...allowed],
      { cwd: folder },
    );
    assert.equal(told.code, 1);
    assert.match(told.stderr, /the trial failed: lost/);
    const { code, stdout, stderr } = await faulty.coordinator.ended;
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^error: uncaught Error: lost \(file:.*near-median\.js:\d+:\d+\)/m);
  });

  it("that throw in a client are told where, once, and never in the records", async () => {
    const folder = await study();
    await insert(folder, "mean-estimation.js", "const metrics = { error", "own.fail();\n");
    for (const how of [
      ["--transport", "memory"],
      ["--hosts", "1"],
    ]) {
      const args = ["run", "trial.yaml", "--no-report", "--again", "--out", "run", ...how];
      const { code, stderr } = await fedclair(args, { cwd: folder });
      assert.equal(code, 5, "no client could measure");
      const told = stderr.split("\n").filter((line) => line.includes("own.fail is not"));
      assert.equal(told.length, 1, stderr);
      assert.match(told[0] ?? "", /round 1, evaluate: TypeError: .* \(file:.*js:\d+:\d+\)/);
      assert.match(stderr, /rounds of .* were lost/);
      const records = JSON.stringify(await recordsOf(join(folder, "run")));
      assert.match(records, /"own.fail is not a function"/);
      assert.doesNotMatch(records, /file:/);
    }
  });

  it("that cannot train clients together are told of, once, and train them one by one", async () => {
    const folder = await study();
    const together = 'maxBatch: 4, trainCohort: () => Promise.reject(new Error("too wide")),\n';
    await insert(folder, "mean-estimation.js", "/** Runs once in the coordinator", together);
    for (const how of [
      ["--transport", "memory"],
      ["--hosts", "1"],
    ]) {
      const args = ["run", "trial.yaml", "--no-report", "--again", "--out", "run", ...how];
      const { code, stderr } = await fedclair(args, { cwd: folder });
      assert.equal(code, 0, stderr);
      const told = stderr.split("\n").filter((line) => line.includes("too wide"));
      assert.equal(told.length, 1, stderr);
      assert.match(told[0] ?? "", /task mean-estimation: trainCohort\(\) fails .* \(file:.*js:\d+/);
    }
  });

  it("that fail at the coordinator are told where, and never in the records; an attack that does nothing is refused", async () => {
    const folder = await study();
    await insert(folder, "near-median.js", "const centre", "updates.fail();\n");
    const args = ["run", "trial.yaml", "--no-report", "--hosts", "1", "--out", "run"];
    const { code, stderr } = await fedclair(args, { cwd: folder });
    assert.equal(code, 6);
    assert.match(
      stderr,
      /^near-median could not go on: round 1: TypeError: .* \(file:.*near-median\.js:\d+:\d+\)$/m,
    );
    assert.doesNotMatch(JSON.stringify(await recordsOf(join(folder, "run"))), /file:/);
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

  it("that end the process are told, and are no success", async () => {
    const folder = await study();
    await insert(folder, "mean-estimation.js", "const metrics = { error", "process.exit(0);\n");
    const args = ["run", "trial.yaml", "--no-report", "--transport", "memory"];
    const { code, stderr } = await fedclair(args, { cwd: folder });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: something called process\.exit\(0\) before the command was done/m,
    );
  });

  it("wrap updates on hosts that allow it, and turn others away", async () => {
    const folder = await study();
    const halve = `import { definePlugin, scaleDelta } from "@fedclair/core";
      import { z } from "zod";
      export default definePlugin({
        kind: "mod", name: "halve", summary: "Halves.", schema: z.strictObject({}),
        create: () => ({ client: (result) => ({ ...result, delta: scaleDelta(result.delta, 0.5) }) }),
      });`;
    await writeFile(join(folder, "halve.js"), halve);
    await insert(folder, "trial.yaml", "rounds:", "mods: [{ name: halve }]\n");
    await insert(folder, "trial.yaml", "./reverse.js", "./halve.js, ");
    const alone = ["run", "trial.yaml", "--transport", "memory", "--no-report", "--out", "alone"];
    const ended = await fedclair(alone, { cwd: folder });
    assert.equal(ended.code, 0, ended.stderr);
    const args = ["trial.yaml", "--no-report", "--out", "hosts"];
    const { coordinator, url } = await startCoordinator(args, { cwd: folder });
    const host = (...plugins: string[]) =>
      fedclair(["client", "--coordinator", url, "--capacity", "12", ...plugins], { cwd: folder });
    const turnedAway = await host(...allowed);
    assert.equal(turnedAway.code, 2);
    assert.match(turnedAway.stderr, /mod 'halve' is version 0\.1\.0 .*the host has none/);
    assert.equal((await host(...allowed, "--plugin", "./halve.js")).code, 0);
    assert.equal((await coordinator.ended).code, 0);
    assert.deepEqual(await bytesOf(join(folder, "hosts")), await bytesOf(join(folder, "alone")));
  });

  it("that never end are ended by Ctrl-C, and by the death of the command", async function () {
    if (!hasProc) this.skip(); // nothing else tells of the processes that a process has started
    const folder = await study();
    await insert(folder, "near-median.js", "const points", 'console.log("loops"); for (;;);\n');
    const underWay = async (out: string) => {
      const args = ["run", "trial.yaml", "--hosts", "1", "--no-report", "--out", out];
      const run = start(args, { cwd: folder });
      await run.says(/^loops$/m);
      return { run, children: childrenOf(run.pid).map(({ pid }) => pid) };
    };
    const stopped = await underWay("stopped");
    stopped.run.kill("SIGINT");
    assert.equal((await stopped.run.ended).code, 130);
    await gone(stopped.children, 1000);
    const orphaned = await underWay("orphaned");
    assert.equal(orphaned.children.length, 2);
    orphaned.run.kill("SIGKILL");
    await gone(orphaned.children, 8000);
  });

  it("have options of the types that their schemas give", async () => {
    const folder = await study();
    const files = ["mean-estimation.js", "near-median.js", "reverse.js"];
    const right = typeCheck(folder, files);
    assert.equal(right.status, 0, right.stdout);
    const text = await readFile(join(folder, "reverse.js"), "utf8");
    await writeFile(join(folder, "reverse.js"), text.replace("-strength", "strength.length"));
    const wrong = typeCheck(folder, files);
    assert.match(wrong.stdout, /reverse\.js\(\d+,\d+\): error TS2339: .*'length'.*'number'/);
  });
});
