import assert from "node:assert/strict";
import { start } from "./support/command.js";
import { recordsOf } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";
import { childrenOf, hasProc, residentMiB } from "./support/processes.js";

/*
 * V8 lets its heap grow as long as there is room, so that resident memory alone would tell little: without a limit the
 * coordinator grows by half over these rounds, while the heap that a forced collection leaves stays where it was. With a
 * small young generation and an old one of 64 MiB at most, what is garbage goes soon, and a leak has nowhere to hide.
 */
const smallHeap = "--max-old-space-size=64 --max-semi-space-size=1";

/**
 * What the compiler, the allocator and the collector's own timing move is 2 to 5 MiB. A KiB kept for every client of every
 * round would be 14 MiB between the two measurements.
 */
const slackMiB = 10;

describe("ten thousand virtual clients, a hundred of them a round", () => {
  it("take one host 200 rounds in memory that does not grow", async function () {
    if (!hasProc) this.skip(); // nothing else tells another process's resident memory
    const out = await temporaryFolder();
    const began = performance.now();
    const run = start(["run", fixture("scale"), "--hosts", "1", "--out", out, "--no-report"], {
      env: { NODE_OPTIONS: smallHeap },
    });
    const measured = async (round: number) => {
      await run.says(new RegExp(`round ${round}:`));
      return childrenOf(run.pid).map(({ pid, args }) => ({
        half: /coordinator\/dist/.test(args) ? "coordinator" : "client host",
        resident: residentMiB(pid),
      }));
    };
    const early = await measured(50);
    const late = await measured(195);
    const { code, stderr } = await run.ended;
    assert.equal(code, 0, stderr);
    assert.ok(performance.now() - began < 60_000);

    const records = await recordsOf(out);
    assert.equal(records.length, 200);
    assert.ok(records.every(({ clients }) => clients.every(({ failure }) => failure === null)));
    assert.deepEqual(
      early.map(({ half }) => half),
      ["coordinator", "client host"],
    );
    for (const [i, { half, resident }] of early.entries()) {
      const growth = (late[i]?.resident ?? NaN) - resident;
      assert.ok(growth < slackMiB, `${half}: ${resident} MiB after 50 rounds, then ${growth} more`);
    }
  });
});
