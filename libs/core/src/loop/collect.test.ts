import assert from "node:assert/strict";
import { collect } from "./collect.js";
import type { Answer, ClientPool, Job } from "../contracts/pool.js";

const jobs = ["c0", "c1"].map((clientId, id) => ({ id, clientId }) as unknown as Job);
const lost = { code: "HOST_LOST", message: "gone" } as const;
const poolOf = (ask: ClientPool["ask"]): ClientPool => ({
  ready: () => Promise.resolve(),
  ask,
  close: () => Promise.resolve(),
});

describe("collect", () => {
  it("takes no host for lost where the signal that ended it ends this process too, and is told a moment later", async () => {
    const ended = new AbortController();
    const pool = poolOf(async function* (all): AsyncGenerator<Answer> {
      // In one turn of the event loop, as Node.js tells of sockets and then of signals.
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

  it("tells who was lost", async () => {
    const pool = poolOf(async function* (all): AsyncGenerator<Answer> {
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
