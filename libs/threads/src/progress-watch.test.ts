import assert from "node:assert/strict";
import { mock } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { CounterMakers } from "../testing/counter.js";
import { Overdue, Thread } from "./index.js";

describe("the limit on the time of a thread", () => {
  afterEach(() => {
    mock.timers.reset();
  });

  /** Lets seconds of mocked time pass. One tick does not run the timers that its timers set. */
  function pass(seconds: number): void {
    for (let quarters = 0; quarters < 4 * seconds; quarters++) mock.timers.tick(250);
  }

  it("keeps watching a thread that made progress at the last moment", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const script = new URL("../testing/counter.js", import.meta.url);
    const thread = new Thread<CounterMakers>(script, { name: "a thread" });
    thread.limitTime(() => 20);
    const overdue = assert.rejects(thread.host("counter", 1).ask("hang", "x"), Overdue);
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
