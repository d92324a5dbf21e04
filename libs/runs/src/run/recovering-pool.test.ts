import assert from "node:assert/strict";
import type { Answer, ClientPool, Job } from "@fedclair/core/internal";
import { RecoveringPool } from "./recovering-pool.js";

const jobs = ["c0", "c1", "c2"].map((clientId, i) => ({ id: -1 - i, clientId }) as unknown as Job);
const limits = { quorum: 1, answerSeconds: 60, joinSeconds: 60 };
const gone = { code: "HOST_LOST", message: "gone" } as const;

/** A pool that loses the given clients in each call; `asked` has the jobs of all calls. */
function losing(lost: readonly (readonly string[])[]) {
  const asked: Job[][] = [];
  const waits: AbortSignal[] = [];
  const pool: ClientPool = {
    ready: (signal) => {
      waits.push(signal);
      return Promise.resolve();
    },
    ask: async function* (all): AsyncGenerator<Answer> {
      await Promise.resolve();
      const gives = lost[asked.length] ?? [];
      asked.push([...all]);
      for (const { id: jobId, clientId } of all) {
        const update = { clientId, numExamples: 1, delta: new Map(), metrics: {} };
        yield { jobId, clientId, ...(gives.includes(clientId) ? { failure: gone } : { update }) };
      }
    },
    close: () => Promise.resolve(),
  };
  return { pool, asked, waits };
}

async function outcomes(pool: ClientPool, own = limits): Promise<string[]> {
  const recovering = new RecoveringPool(pool, own);
  const texts: string[] = [];
  const { signal } = new AbortController();
  for await (const answer of recovering.ask(jobs, () => undefined, signal)) {
    texts.push(`${answer.jobId} ${answer.clientId} ${"update" in answer ? "ok" : "lost"}`);
  }
  return texts;
}

describe("RecoveringPool", () => {
  it("waits for room and asks lost clients again if the quorum needs them", async () => {
    const { pool, asked, waits } = losing([["c0", "c2"]]);
    assert.deepEqual(await outcomes(pool), ["-2 c1 ok", "-1 c0 ok", "-3 c2 ok"]);
    assert.equal(waits.length, 1);
    const [, again = []] = asked;
    assert.deepEqual(
      again.map(({ clientId }) => clientId),
      ["c0", "c2"],
    );
    assert.ok(
      again.every(({ id }) => id > 0),
      "their jobs have new ids",
    );
  });

  it("asks again until that has brought no answer four times", async () => {
    const all = ["c0", "c1", "c2"];
    const { pool, asked } = losing([
      all,
      all,
      ["c0", "c2"],
      ["c0"],
      ...Array<string[]>(9).fill(["c0"]),
    ]);
    assert.deepEqual(await outcomes(pool), ["-2 c1 ok", "-3 c2 ok", "-1 c0 lost"]);
    assert.equal(asked.length, 4 + 4);
  });

  it("reports lost clients at once if the others reach the quorum", async () => {
    const { pool, asked, waits } = losing([["c0"]]);
    const some = { ...limits, quorum: 0.6 };
    assert.deepEqual(await outcomes(pool, some), ["-2 c1 ok", "-3 c2 ok", "-1 c0 lost"]);
    assert.deepEqual([asked.length, waits.length], [1, 0]);
  });

  it("asks again after a bounded wait, even if there is no room for all", async () => {
    const { pool } = losing([["c0", "c1", "c2"], ...Array<string[]>(9).fill(["c2"])]);
    const full: ClientPool = {
      ...pool,
      ready: (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            reject(new Error("no room"));
          });
        }),
    };
    const brief = { ...limits, joinSeconds: 0.01 };
    assert.deepEqual(await outcomes(full, brief), ["-1 c0 ok", "-2 c1 ok", "-3 c2 lost"]);
  });
});
