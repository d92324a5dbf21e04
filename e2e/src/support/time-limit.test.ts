import assert from "node:assert/strict";
import Mocha from "mocha";
import { followMachine } from "./time-limit.js";

describe("the limit of a test", () => {
  const original = Object.getOwnPropertyDescriptor(Mocha.Runnable.prototype, "resetTimeout");
  after(() => {
    if (original) Object.defineProperty(Mocha.Runnable.prototype, "resetTimeout", original);
  });

  /** Runs a test that takes 100 ms, with a limit of 20 ms. */
  const run = (perCore: number) => {
    followMachine(() => perCore);
    const test = new Mocha.Runnable("a test", () => new Promise((done) => setTimeout(done, 100)));
    test.timeout(20);
    return new Promise<unknown>((resolve) => {
      (test as unknown as { run: (end: (error?: Error) => void) => void }).run(resolve);
    });
  };

  it("ends a test on a quiet machine, and waits for it on a busy one", async () => {
    assert.match(String(await run(1)), /took more than 0.02 s, not counting/);
    assert.equal(await run(50), undefined);
  });
});
