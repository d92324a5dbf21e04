import assert from "node:assert/strict";
import { fedclair, start } from "./support/command.js";
import { readRecords } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";
import { listChildren, waitUntilGone, hasProc } from "./support/processes.js";

/** Starts a run of `long.yaml` with a client host and waits for its first round. */
async function startRun(out: string) {
  const run = start(["run", fixture("long"), "--hosts", "1", "--no-report", "--out", out]);
  await run.waitForOutput(/round 1:/);
  const children = listChildren(run.pid).map(({ pid }) => pid);
  assert.equal(children.length, 2);
  return { run, children };
}

describe("stopping a run", function () {
  before(function () {
    if (!hasProc) this.skip(); // nothing else tells of the processes that a process has started
  });

  for (const [signal, to] of [
    ["SIGINT", "process"],
    ["SIGINT", "group"],
    ["SIGTERM", "group"],
  ] as const) {
    it(`with ${signal} to its ${to} keeps its rounds and leaves no process behind`, async () => {
      const out = await temporaryFolder();
      const { run, children } = await startRun(out);
      run.kill(signal, to);
      const { code, stderr } = await run.ended;
      assert.equal(code, 130, stderr);
      assert.match(stderr, /stopped after \d+ rounds?, in /);
      assert.doesNotMatch(stderr, /^ +at /m, "a stack is for faults of the program");
      assert.doesNotMatch(stderr, /lost a host/, "hosts leave because the run was stopped");
      await waitUntilGone(children);

      const records = await readRecords(out);
      assert.deepEqual(
        records.map(({ round }) => round),
        records.map((_, i) => i + 1),
      );
      if (to === "process") {
        const report = await fedclair(["report", out]);
        assert.equal(report.code, 0, report.stderr);
        assert.match(report.stdout, /report\.html\n$/);
      }
    });
  }

  it("before its coordinator listens ends it at once, without a round", async () => {
    const out = await temporaryFolder();
    const run = start(["run", fixture("long"), "--out", out]);
    while (listChildren(run.pid).length === 0) await new Promise(setImmediate);
    const children = listChildren(run.pid).map(({ pid }) => pid);
    run.kill("SIGINT");
    const { code, stderr } = await run.ended;
    assert.equal(code, 130, stderr);
    await waitUntilGone(children);
  });

  it("by killing the command ends the coordinator and the hosts too", async () => {
    const out = await temporaryFolder();
    const { run, children } = await startRun(out);
    run.kill("SIGKILL");
    await waitUntilGone(children);
    assert.equal((await run.ended).code, "SIGKILL");
    assert.ok((await readRecords(out)).length >= 1);
  });
});
