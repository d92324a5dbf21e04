import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { exitCodes } from "@fedclair/core/internal";
import { fedclair, start } from "./support/command.js";
import { failuresOf, recordsOf, startCoordinator, startHost } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";
import { childrenOf, gone, hasProc } from "./support/processes.js";

/** A coordinator of `long.yaml` that has done a round with two hosts of four clients each, one of them then killed. */
async function afterAKill(out: string, rounds: number, quorum: number) {
  const { coordinator, url } = await startCoordinator([
    ...[fixture("long"), "--out", out],
    ...["--set", `rounds=${rounds}`, "--set", `limits.quorum=${quorum}`],
  ]);
  const [stays, dies] = [startHost(url, 4), startHost(url, 4)];
  await coordinator.says(/round 1:/);
  dies.kill("SIGKILL", "group");
  return { coordinator, url, stays };
}

describe("a client host that is killed in the middle of a trial", () => {
  it("costs its clients the rounds, the others end the trial, and the exit code tells", async () => {
    const out = await temporaryFolder();
    const { coordinator, stays } = await afterAKill(out, 10, 0.5);
    const ended = await coordinator.ended;
    assert.equal(ended.code, exitCodes.lost, ended.stderr);
    assert.equal((await stays.ended).code, 0);
    const [, lostRounds] =
      /error: (\d+) of 80 rounds of benign clients were lost .* limits\.maxLost = 0/.exec(
        ended.stderr,
      ) ?? [];
    const records = await recordsOf(out);
    assert.equal(records.length, 10);
    const [first, last] = [records[0], records.at(-1)];
    assert.ok(first && last);
    assert.deepEqual(failuresOf(first), []);
    // Which of the two hosts joined first, and so holds c00 to c03, is open.
    const lost = failuresOf(last);
    assert.equal(lost.length, 4);
    assert.ok(
      [0, 4].some((from) => lost.every((failure, i) => failure === `c0${from + i} HOST_LOST`)),
      lost.join(", "),
    );
    assert.match(coordinator.stdout, /^c0[04] .*HOST_LOST/m);
    const { measures } = JSON.parse(await readFile(join(out, "summary.json"), "utf8")) as {
      measures: Record<string, number>;
    };
    assert.equal(measures["clients.lost"], Number(lostRounds));
    const failed = records.flatMap((record) => failuresOf(record)).length;
    // A host that dies in mid-measuring costs a round more than it fails to train in.
    assert.ok(Number(lostRounds) >= failed && Number(lostRounds) <= failed + 4);
  });

  it("ends the trial with exit code 3 if the rest is no quorum", async () => {
    const out = await temporaryFolder();
    const { coordinator, stays } = await afterAKill(out, 1000, 0.9);
    const { code, stderr } = await coordinator.ended;
    assert.equal(code, 3, stderr);
    assert.match(
      stderr,
      /round \d+: \d of 8 clients were admitted, limits.quorum = 0.9 needs 8\n {2}c0\d: HOST_LOST \(/,
    );
    assert.equal((await stays.ended).code, 3);
    assert.ok((await recordsOf(out)).length >= 1);
  });

  it("is made up for by a host that joins later", async () => {
    const out = await temporaryFolder();
    const { coordinator, url } = await afterAKill(out, 100_000, 0.5);
    await coordinator.says(/round \d+: .* 4 failed/);
    startHost(url, 4);
    // A round with failures, and a later one without.
    await coordinator.says(/4 failed\n[^]*round \d+: training loss [\d.]+\n/);
    coordinator.kill("SIGINT");
    assert.equal((await coordinator.ended).code, 130);
    const failed = (await recordsOf(out)).map((record) => failuresOf(record).length > 0);
    const [lost, recovered] = [failed.indexOf(true), failed.lastIndexOf(true) + 1];
    assert.ok(lost > 0 && recovered > lost && recovered < failed.length);
    const { code, stdout } = await fedclair(["report", out]);
    assert.equal(code, 0);
    assert.match(stdout, /report\.html\n$/);
  });
});

describe("a client host of a run that is killed", () => {
  before(function () {
    if (!hasProc) this.skip(); // nothing else tells of the processes that a process has started
  });

  const hostsOf = (pid: number) => childrenOf(pid).filter(({ args }) => args.includes("client"));

  it("is started again, and its clients come back", async function () {
    // One that dies between two rounds costs nobody a round, and the run then never says what is waited for.
    this.timeout(20_000).retries(2);
    const out = await temporaryFolder();
    const set = ["--set", "rounds=100000", "--set", "limits.quorum=0.5"];
    const run = start(["run", fixture("long"), "--hosts", "2", "--out", out, ...set]);
    await run.says(/round 1:/);
    const [dies] = hostsOf(run.pid);
    assert.ok(dies);
    process.kill(dies.pid, "SIGKILL");
    await run.says(
      /client host \d of 2 ended with SIGKILL; it is started again \(1 of 3\)\n[^]*4 failed\n[^]*round \d+: training loss [\d.]+\n/,
    );
    // The other host has the clients before this one is there.
    while (hostsOf(run.pid).length < 2) await new Promise(setImmediate);
    run.kill("SIGINT");
    assert.equal((await run.ended).code, 130);
    const failed = (await recordsOf(out)).map((record) => failuresOf(record).length > 0);
    assert.ok(failed.includes(true) && failed.at(-1) === false);
  });

  it("is given up when it has died four times", async () => {
    const out = await temporaryFolder();
    const set = ["--set", "rounds=100000", "--set", "limits.joinSeconds=600"];
    const run = start(["run", fixture("long"), "--hosts", "1", "--out", out, ...set]);
    for (let kills = 1; kills <= 4; kills++) {
      let host = hostsOf(run.pid)[0];
      while (!host) {
        await new Promise(setImmediate);
        host = hostsOf(run.pid)[0];
      }
      process.kill(host.pid, "SIGKILL");
      await gone([host.pid], 60_000);
      if (kills < 4) await run.says(new RegExp(`SIGKILL; it is started again \\(${kills} of 3\\)`));
    }
    const { code, stderr } = await run.ended;
    assert.equal(code, 3, stderr);
    assert.match(stderr, /^client host 1 of 1 ended with SIGKILL$/m);
    assert.match(stderr, /every client host ended, see above/);
  });
});

describe("a coordinator that is killed under its run", () => {
  it("is named, and its hosts end without a word", async function () {
    if (!hasProc) this.skip();
    const run = start(["run", fixture("long"), "--hosts", "2", "--out", await temporaryFolder()]);
    await run.says(/round 1/);
    const children = childrenOf(run.pid);
    const coordinator = children.find(({ args }) => args.includes("coordinator"));
    assert.ok(coordinator);
    process.kill(coordinator.pid, "SIGKILL");
    const { code, stderr } = await run.ended;
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^error: the coordinator was ended by SIGKILL/m);
    assert.doesNotMatch(stderr, /client host/);
    await gone(
      children.map(({ pid }) => pid),
      1000,
    );
  });
});
