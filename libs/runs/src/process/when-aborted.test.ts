import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { unlessAborted, whenAborted } from "./when-aborted.js";

describe("unlessAborted", () => {
  it("returns what the work does, and leaves nothing at the signal", async () => {
    const { signal } = new AbortController();
    for (let run = 0; run < 20; run++)
      assert.equal(await unlessAborted(signal, Promise.resolve(run)), run);
    await assert.rejects(unlessAborted(signal, Promise.reject(new Error("broken"))), /broken/);
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });

  it("rejects with the signal's reason, before and during the work", async () => {
    const abort = new AbortController();
    const waiting = unlessAborted(abort.signal, new Promise(() => undefined));
    abort.abort(new Error("Ctrl-C"));
    await assert.rejects(waiting, /Ctrl-C/);
    await assert.rejects(unlessAborted(abort.signal, Promise.resolve(1)), /Ctrl-C/);
    await assert.rejects(whenAborted(abort.signal), /Ctrl-C/);
  });

  it("leaves no rejection of the work to nobody, which would end the program", async () => {
    const stray: unknown[] = [];
    const listener = (error: unknown) => stray.push(error);
    process.on("unhandledRejection", listener);
    const late = Promise.reject(new Error("late"));
    await assert.rejects(unlessAborted(AbortSignal.abort(new Error("Ctrl-C")), late), /Ctrl-C/);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listener);
    assert.deepEqual(stray, []);
  });
});
