import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Overdue, PluginThread } from "./plugin-thread.js";

describe("PluginThread", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-thread-"));
  });
  after(() => rm(folder, { recursive: true }));
  afterEach(() => {
    mock.timers.reset();
  });

  /** Lets seconds of mocked time pass. One tick does not run the timers that its timers set. */
  function pass(seconds: number): void {
    for (let quarters = 0; quarters < 4 * seconds; quarters++) mock.timers.tick(250);
  }

  it("keeps watching a thread that made progress at the last moment", async () => {
    const file = join(folder, "loop.mjs");
    await writeFile(file, "for (;;);");
    mock.timers.enable({ apis: ["setTimeout"] });
    const thread = new PluginThread([{ file, place: "loop.mjs" }]);
    thread.patience = () => 20;
    const overdue = assert.rejects(thread.call("identify", []).result, Overdue);
    pass(20); // the thread is out of time, and messages are read first
    thread.activity.turn();
    await nextTurn();
    assert.equal(thread.isAlive, true);
    pass(20);
    await nextTurn();
    assert.equal(thread.isAlive, false);
    await overdue;
  });
});
