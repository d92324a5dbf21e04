import assert from "node:assert/strict";
import { fedclair, start } from "./support/command.js";
import { recordsOf } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";
import { childrenOf, gone, hasProc } from "./support/processes.js";

/** A run of `long.yaml` that has done a round, with its coordinator and two client hosts. */
async function underWay(out: string) {
  const run = start(["run", fixture("long"), "--hosts", "2", "--out", out]);
  await run.says(/round 1:/);
  const children = childrenOf(run.pid).map(({ pid }) => pid);
  assert.equal(children.length, 3);
  return { run, children };
}

describe("a run that is stopped", function () {
  before(function () {
    if (!hasProc) this.skip(); // nothing else tells of the processes that a process has started
  });

  for (const [signal, to] of [
    ["SIGINT", "process"],
    ["SIGINT", "group"],
    ["SIGTERM", "group"],
  ] as const) {
    it(`by ${signal} to its ${to} keeps its rounds and leaves no process behind`, async () => {
      const out = await temporaryFolder();
      const { run, children } = await underWay(out);
      run.kill(signal, to);
      const { code, stderr } = await run.ended;
      assert.equal(code, 130, stderr);
      assert.match(stderr, /stopped after \d+ rounds?, in /);
      assert.doesNotMatch(stderr, /^ +at /m, "a stack is for faults of the program");
      await gone(children, 1000);

      const records = await recordsOf(out);
      assert.deepEqual(
        records.map(({ round }) => round),
        records.map((_, i) => i + 1),
      );
      const report = await fedclair(["report", out]);
      assert.equal(report.code, 0, report.stderr);
      assert.match(report.stdout, /report\.html\n$/);
    });
  }

  it("before its coordinator listens ends at once, with nothing run", async () => {
    const out = await temporaryFolder();
    const run = start(["run", fixture("long"), "--out", out]);
    while (childrenOf(run.pid).length === 0) await new Promise(setImmediate);
    const children = childrenOf(run.pid).map(({ pid }) => pid);
    run.kill("SIGINT");
    const { code, stderr } = await run.ended;
    assert.equal(code, 130, stderr);
    await gone(children, 1000);
  });

  it("by the death of the command ends the coordinator and the hosts too", async () => {
    const out = await temporaryFolder();
    const { run, children } = await underWay(out);
    run.kill("SIGKILL");
    await gone(children, 5000);
    assert.equal((await run.ended).code, "SIGKILL");
    assert.ok((await recordsOf(out)).length >= 1);
  });
});
