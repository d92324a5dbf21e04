import assert from "node:assert/strict";
import type { Admit, Answer, ClientPool, Job } from "../contracts/pool.js";
import { HungClientPool } from "./hung-clients.js";

describe("HungClientPool", () => {
  const hung = { code: "CLIENT_HUNG", message: "task 'x' did not return" } as const;
  const { signal } = new AbortController();
  const admit: Admit = () => undefined;
  let asked: string[] = [];

  /** A pool whose client c01 hangs. */
  const inner: ClientPool = {
    ready: () => Promise.resolve(),
    async *ask(jobs: readonly Job[]): AsyncIterable<Answer> {
      await Promise.resolve();
      for (const { id: jobId, clientId } of jobs) {
        asked.push(clientId);
        const update = { clientId, numExamples: 1, delta: new Map(), metrics: {} };
        yield clientId === "c01" ? { jobId, clientId, failure: hung } : { jobId, clientId, update };
      }
    },
    close: () => Promise.resolve(),
  };

  /** Asks two clients and returns the message of c01. */
  async function askIn(pool: ClientPool, round: number): Promise<string | undefined> {
    asked = [];
    const jobs = ["c00", "c01"].map((clientId, id) => ({ id, clientId, round }) as Job);
    const answers = new Map<string, Answer>();
    for await (const answer of pool.ask(jobs, admit, signal)) answers.set(answer.clientId, answer);
    assert.deepEqual([...answers.keys()].sort(), ["c00", "c01"]);
    const answer = answers.get("c01");
    return answer && "failure" in answer ? answer.failure.message : undefined;
  }

  it("does not ask a client again that hung", async () => {
    const pool = new HungClientPool(inner, 0);
    assert.equal(await askIn(pool, 3), hung.message);
    assert.equal(await askIn(pool, 4), "not asked: it hung in round 3 (limits.hangRetries = 0)");
    assert.deepEqual(asked, ["c00"]);
  });

  it("asks it again as often as the trial allows", async () => {
    const pool = new HungClientPool(inner, 1);
    assert.equal(await askIn(pool, 1), hung.message);
    assert.equal(await askIn(pool, 2), hung.message);
    assert.equal(await askIn(pool, 3), "not asked: it hung in round 2 (limits.hangRetries = 1)");
  });

  it("continues to count when a run is resumed", async () => {
    const before = new HungClientPool(inner, 1);
    await askIn(before, 4);
    assert.deepEqual(before.hangs, new Map([["c01", { count: 1, round: 4 }]]));
    const pool = new HungClientPool(inner, 1, before.hangs);
    assert.equal(await askIn(pool, 5), hung.message);
    assert.equal(await askIn(pool, 6), "not asked: it hung in round 5 (limits.hangRetries = 1)");
    assert.deepEqual(before.hangs.get("c01")?.count, 1, "the stored count stays");
  });
});
