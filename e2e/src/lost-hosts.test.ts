import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exitCodes } from "@fedclair/core/internal";
import { start } from "./support/command.js";
import { listFailures, readRecords, startCoordinator, startHost } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";
import { listChildren, waitUntilGone, hasProc } from "./support/processes.js";

/**
 * Starts a coordinator of `long.yaml` with two hosts for its eight clients, and kills one host
 * after the first round.
 * @param capacity of each host
 * @param set further options, as `path=value`
 */
async function killHost(
  out: string,
  rounds: number,
  quorum: number,
  { capacity = 4, set = [] as readonly string[] } = {},
) {
  const { coordinator, url } = await startCoordinator([
    ...[fixture("long"), "--out", out, "--no-report"],
    ...["--set", `rounds=${rounds}`, "--set", `limits.quorum=${quorum}`],
    ...["limits.joinSeconds=600", ...set].flatMap((option) => ["--set", option]),
  ]);
  const [stays, dies] = [startHost(url, capacity), startHost(url, capacity)];
  await coordinator.waitForOutput(/round 1:/);
  dies.kill("SIGKILL", "group");
  return { coordinator, stays };
}

describe("a client host that is killed in the middle of a trial", () => {
  it("loses its clients' rounds, the others finish the trial, and the exit code is 5", async () => {
    const out = await temporaryFolder();
    const { coordinator, stays } = await killHost(out, 10, 0.5);
    const outcome = await coordinator.ended;
    assert.equal(outcome.code, exitCodes.lost, outcome.stderr);
    assert.equal((await stays.ended).code, 0);
    const [, lostRounds] =
      /error: (\d+) of 80 client rounds were lost .* limits\.maxLost = 0/.exec(outcome.stderr) ??
      [];
    const records = await readRecords(out);
    assert.equal(records.length, 10);
    const [first, last] = [records[0], records.at(-1)];
    assert.ok(first && last);
    assert.deepEqual(listFailures(first), []);
    // Either host may have joined first and hold c00 to c03.
    const failures = listFailures(last);
    assert.equal(failures.length, 4);
    assert.ok(
      [0, 4].some((from) => failures.every((failure, i) => failure === `c0${from + i} HOST_LOST`)),
      failures.join(", "),
    );
    assert.match(coordinator.stdout, /^c0[04] .*HOST_LOST/m);
    const { measures } = JSON.parse(await readFile(join(out, "summary.json"), "utf8")) as {
      measures: Record<string, number>;
    };
    assert.equal(measures["clients.lost"], Number(lostRounds));
    const failed = records.flatMap((record) => listFailures(record)).length;
    // A host killed during an evaluation fails in one round more than it fails to train in.
    assert.ok(Number(lostRounds) >= failed && Number(lostRounds) <= failed + 4);
  });

  it("ends the trial with exit code 3 if the others are no quorum", async () => {
    const out = await temporaryFolder();
    // For half of answerSeconds, the coordinator waits for another host.
    const quick = ["limits.clientSeconds=10", "limits.answerSeconds=11"];
    const { coordinator, stays } = await killHost(out, 100_000, 0.9, { set: quick });
    const { code, stderr } = await coordinator.ended;
    assert.equal(code, 3, stderr);
    assert.match(
      stderr,
      /round \d+: \d of 8 clients were admitted, limits.quorum = 0.9 needs 8\n {2}c0\d: HOST_LOST \(/,
    );
    assert.equal((await stays.ended).code, 3);
    assert.ok((await readRecords(out)).length >= 1);
  });

  it("loses nothing if the quorum needs its clients and another host has room for them", async () => {
    const out = await temporaryFolder();
    const { coordinator, stays } = await killHost(out, 8, 1, { capacity: 8 });
    const { code, stderr } = await coordinator.ended;
    assert.equal(code, 0, stderr);
    assert.equal((await stays.ended).code, 0);
    const records = await readRecords(out);
    assert.equal(records.length, 8);
    assert.deepEqual(records.flatMap(listFailures), []);
  });
});

describe("a client host of a run that is killed", () => {
  before(function () {
    if (!hasProc) this.skip(); // child processes can only be listed through /proc
  });

  const hostsOf = (pid: number) => listChildren(pid).filter(({ args }) => args.includes("client"));

  it("is restarted, and its clients come back", async function () {
    // A host that dies between two rounds loses no client, and the output that is awaited never
    // comes.
    this.timeout(60_000).retries(2);
    const out = await temporaryFolder();
    const set = ["--set", "rounds=100000", "--set", "limits.quorum=0.5"];
    const run = start([
      "run",
      fixture("long"),
      "--hosts",
      "2",
      "--no-report",
      "--out",
      out,
      ...set,
    ]);
    await run.waitForOutput(/round 1:/);
    const [dies] = hostsOf(run.pid);
    assert.ok(dies);
    process.kill(dies.pid, "SIGKILL");
    await run.waitForOutput(
      /client host \d of 2 ended with SIGKILL; it is started again \(1 of 3\)\n[^]*4 failed\n[^]*round \d+: .*training loss [\d.]+\n/,
    );
    // The other host takes over the clients before this one is ready.
    while (hostsOf(run.pid).length < 2) await new Promise(setImmediate);
    run.kill("SIGINT");
    assert.equal((await run.ended).code, 130);
    const failed = (await readRecords(out)).map((record) => listFailures(record).length > 0);
    assert.ok(failed.includes(true) && failed.at(-1) === false);
  });

  it("is not restarted after it has died four times", async () => {
    const out = await temporaryFolder();
    const set = ["--set", "rounds=100000", "--set", "limits.joinSeconds=600"];
    const run = start([
      "run",
      fixture("long"),
      "--hosts",
      "1",
      "--no-report",
      "--out",
      out,
      ...set,
    ]);
    for (let kills = 1; kills <= 4; kills++) {
      let host = hostsOf(run.pid)[0];
      while (!host) {
        await new Promise(setImmediate);
        host = hostsOf(run.pid)[0];
      }
      process.kill(host.pid, "SIGKILL");
      await waitUntilGone([host.pid]);
      if (kills < 4)
        await run.waitForOutput(new RegExp(`SIGKILL; it is started again \\(${kills} of 3\\)`));
    }
    const { code, stderr } = await run.ended;
    assert.equal(code, 3, stderr);
    assert.match(stderr, /^client host 1 of 1 ended with SIGKILL$/m);
    assert.match(stderr, /every client host ended, see above/);
  });
});

describe("a coordinator that is killed during its run", () => {
  it("is reported, and its hosts end silently", async function () {
    if (!hasProc) this.skip();
    const run = start(["run", fixture("long"), "--hosts", "2", "--out", await temporaryFolder()]);
    await run.waitForOutput(/round 1/);
    const children = listChildren(run.pid);
    const coordinator = children.find(({ args }) => args.includes("coordinator"));
    assert.ok(coordinator);
    process.kill(coordinator.pid, "SIGKILL");
    const { code, stderr } = await run.ended;
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^error: the coordinator was ended by SIGKILL/m);
    assert.doesNotMatch(stderr, /client host/);
    await waitUntilGone(children.map(({ pid }) => pid));
  });
});
