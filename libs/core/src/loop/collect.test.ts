import assert from "node:assert/strict";
import { collect } from "./collect.js";
import type { Answer, ClientPool, Job } from "../contracts/pool.js";

const jobs = ["c0", "c1"].map((clientId, id) => ({ id, clientId }) as unknown as Job);
const lost = { code: "HOST_LOST", message: "gone" } as const;
const createPool = (ask: ClientPool["ask"]): ClientPool => ({
  ready: () => Promise.resolve(),
  ask,
  close: () => Promise.resolve(),
});

describe("collect", () => {
  it("reports the signal and not lost hosts if the signal arrives a moment after they are lost", async () => {
    const ended = new AbortController();
    const pool = createPool(async function* (all): AsyncGenerator<Answer> {
      // Node.js reports closed sockets before signals, in the same turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      setImmediate(() => {
        ended.abort(new Error("Ctrl-C"));
      });
      for (const { id: jobId, clientId } of all) yield { jobId, clientId, failure: lost };
    });
    const round = collect(pool, jobs, () => undefined, 60, ended.signal);
    await assert.rejects(async () => {
      while ((await round.next()).done !== true);
    }, /Ctrl-C/);
  });

  it("reports the clients that were lost", async () => {
    const pool = createPool(async function* (all): AsyncGenerator<Answer> {
      await Promise.resolve();
      for (const { id: jobId, clientId } of all) yield { jobId, clientId, failure: lost };
    });
    const round = collect(pool, jobs, () => undefined, 60, new AbortController().signal);
    let next = await round.next();
    while (next.done !== true) next = await round.next();
    assert.deepEqual(
      [...next.value.failures],
      [
        ["c0", lost],
        ["c1", lost],
      ],
    );
  });
});
