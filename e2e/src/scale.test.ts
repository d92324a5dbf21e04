import assert from "node:assert/strict";
import { start } from "./support/command.js";
import { readRecords } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";
import { listChildren, hasProc, residentMiB } from "./support/processes.js";

/*
 * V8 lets its heap grow as long as there is room. Without a limit the coordinator's resident memory
 * grows by half over these rounds, although the heap after a forced collection stays the same. With
 * a small young generation and at most 64 MiB of old space, garbage is collected early and a leak
 * shows.
 */
const smallHeap = "--max-old-space-size=64 --max-semi-space-size=1";

/**
 * Growth in MiB that is tolerated. The compiler, the allocator and the timing of collections
 * account for 2 to 5 MiB. One KiB kept per client and round would be 14 MiB between the two
 * measurements.
 */
const slackMiB = 10;

describe("ten thousand virtual clients, a hundred per round", () => {
  it("run on one host for 200 rounds without growing memory", async function () {
    if (!hasProc) this.skip(); // resident memory of another process is only in /proc
    const out = await temporaryFolder();
    const run = start(["run", fixture("scale"), "--hosts", "1", "--out", out, "--no-report"], {
      env: { NODE_OPTIONS: smallHeap },
    });
    const measure = async (round: number) => {
      await run.waitForOutput(new RegExp(`round ${round}:`));
      return listChildren(run.pid).map(({ pid, args }) => ({
        half: /coordinator\/dist/.test(args) ? "coordinator" : "client host",
        resident: residentMiB(pid),
      }));
    };
    const early = await measure(50);
    const late = await measure(195);
    const { code, stderr } = await run.ended;
    assert.equal(code, 0, stderr);

    const records = await readRecords(out);
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
