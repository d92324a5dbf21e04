import assert from "node:assert/strict";
import { mock } from "node:test";
import { afterRunning } from "./running-time.js";

describe("afterRunning", () => {
  let now = 0;
  let calls = 0;

  beforeEach(() => {
    [now, calls] = [0, 0];
    mock.timers.enable({ apis: ["setTimeout"] });
    mock.method(performance, "now", () => now);
  });
  afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
  });

  const start = (milliseconds: number) => afterRunning(milliseconds, () => calls++);
  /** The process runs, and its timers fire on time. */
  const run = (milliseconds: number) => {
    for (let left = milliseconds; left > 0; left -= 100) {
      now += 100;
      mock.timers.tick(100);
    }
  };
  /** The process is stopped; its timers fire when it goes on. */
  const stop = (milliseconds: number) => {
    now += milliseconds;
    mock.timers.tick(1000);
  };

  it("calls after the time, once", () => {
    start(2500);
    run(2400);
    assert.equal(calls, 0);
    run(100);
    assert.equal(calls, 1);
    run(5000);
    assert.equal(calls, 1);
  });

  it("does not count the time of a stop", () => {
    start(5000);
    run(1000);
    stop(20_000); // takes one slice of a second
    run(2900);
    assert.equal(calls, 0);
    run(100);
    assert.equal(calls, 1);
  });

  it("waits for another slice after a stop in the last one", () => {
    start(1000);
    stop(20_000);
    assert.equal(calls, 0);
    run(900);
    assert.equal(calls, 0);
    run(100);
    assert.equal(calls, 1);
  });

  it("never calls once it is cancelled", () => {
    const cancel = start(2000);
    run(1500);
    cancel();
    run(5000);
    assert.equal(calls, 0);
  });
});
