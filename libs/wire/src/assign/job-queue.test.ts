import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Answer, ClientJob, ClientParams } from "@fedclair/core/internal";
import { JobQueue } from "./job-queue.js";
import { oneByOne, paramsOf, updateOf } from "../../testing/pools.js";
import { outcome } from "../../testing/raw-host.js";
import { WireError } from "../codec/wire-error.js";

/** A queue with base 1 whose jobs end when `finish` is called. Job n belongs to client cn. */
function manualQueue(delivery: () => Promise<void> = () => Promise.resolve()) {
  const begun: ClientJob[] = [];
  const delivered: number[] = [];
  const signals: AbortSignal[] = [];
  let answer: () => void = () => undefined;
  const runJob = (job: ClientJob) => {
    const { id: jobId, clientId } = job;
    begun.push(job);
    return new Promise<Answer>((resolve) => {
      answer = () => {
        resolve({ jobId, clientId, update: updateOf(clientId) });
      };
    });
  };
  const seconds: number[] = [];
  const queue = new JobQueue({ runJobs: oneByOne(runJob) }, ({ jobId }, signal, workSeconds) => {
    delivered.push(jobId);
    seconds.push(workSeconds);
    signals.push(signal);
    return delivery();
  });
  const bring = (id: number, value = 0) =>
    queue.handle({ type: "base", id, params: paramsOf(value) });
  const add = (id: number, baseId = 1, rounds: ClientParams["rounds"] = []) => {
    const seeds = { clientIndex: 0, clientCount: 4, seed: 1, commonSeed: 2 };
    const job = { round: 1, phase: "train", kind: "train", baseId, rounds, ...seeds } as const;
    return outcome(queue.handle({ type: "clientJob", id, clientId: `c${id}`, ...job }));
  };
  bring(1);
  return {
    queue,
    delivered,
    signals,
    seconds,
    bring,
    add,
    begun: () => begun.map(({ id }) => id),
    params: () => begun.map(({ params }) => params),
    end: (id: number) => queue.handle({ type: "jobEnd", id }),
    finish: async () => {
      answer();
      await setImmediate();
    },
  };
}

describe("JobQueue", () => {
  it("starts a job when the last one is over", async () => {
    const { begun, delivered, seconds, add, finish, queue } = manualQueue();
    assert.equal(add(0), "accepted");
    assert.equal(add(1), "accepted");
    assert.deepEqual(begun(), [0]);
    await finish();
    assert.deepEqual(begun(), [0, 1]);
    assert.deepEqual(delivered, [0]);
    await finish();
    await queue.idle();
    assert.deepEqual(delivered, [0, 1]);
    assert.ok(seconds.every((s) => s > 0 && s < 10));
  });

  it("starts as many groups in advance as the work allows, and delivers in their order", async () => {
    const resolves = new Map<number, () => void>();
    const delivered: number[] = [];
    const runJobs = ([job]: readonly ClientJob[]) =>
      new Promise<readonly Answer[]>((resolve) => {
        const { id: jobId = 0, clientId = "" } = job ?? {};
        resolves.set(jobId, () => {
          resolve([{ jobId, clientId, update: updateOf(clientId) }]);
        });
      });
    const queue = new JobQueue({ runJobs, callsAhead: () => 2 }, ({ jobId }) => {
      delivered.push(jobId);
      return Promise.resolve();
    });
    queue.handle({ type: "base", id: 1, params: paramsOf(0) });
    for (const id of [0, 1, 2, 3]) {
      const client = {
        clientId: `c${id}`,
        clientIndex: id,
        clientCount: 4,
        seed: 1,
        commonSeed: 2,
      };
      const job = { round: 1, phase: "train", kind: "train", baseId: 1, rounds: [] } as const;
      queue.handle({ type: "clientJob", id, ...client, ...job });
    }
    resolves.get(0)?.();
    await setImmediate();
    assert.deepEqual([...resolves.keys()], [0, 1, 2]);
    resolves.get(2)?.();
    await setImmediate();
    assert.deepEqual(delivered, [0], "job 2 waits for job 1");
    resolves.get(1)?.();
    await setImmediate();
    assert.deepEqual([...resolves.keys()], [0, 1, 2, 3]);
    resolves.get(3)?.();
    await queue.idle();
    assert.deepEqual(delivered, [0, 1, 2, 3]);
  });

  it("drops a job that has ended, started or not, and no other", async () => {
    const { begun, delivered, add, end, finish, queue } = manualQueue();
    for (const id of [0, 1, 2]) add(id);
    end(0); // in flight
    end(1); // not started
    end(99); // unknown
    await finish();
    await finish();
    await queue.idle();
    assert.deepEqual(begun(), [0, 2]);
    assert.deepEqual(delivered, [2]);
  });

  it("stops a delivery when its job ends", async () => {
    let finishDelivery: () => void = () => undefined;
    const { signals, add, end, finish, queue } = manualQueue(
      () => new Promise((resolve) => (finishDelivery = resolve)),
    );
    add(0);
    await finish();
    const aborted = () => signals.map((signal) => signal.aborted);
    assert.deepEqual(aborted(), [false]);
    end(0);
    assert.deepEqual(aborted(), [true]);
    finishDelivery();
    await queue.idle();
  });

  it("sends small results in parallel, large ones one after another", async () => {
    const sent = async (numbers: number) => {
      const delta = new Map([["w", { shape: [numbers], data: new Float64Array(numbers) }]]);
      const arrivals: (() => void)[] = [];
      const queue = new JobQueue(
        {
          runJobs: oneByOne(({ id: jobId, clientId }) =>
            Promise.resolve({ jobId, clientId, update: { ...updateOf(clientId), delta } }),
          ),
        },
        () => new Promise((resolve) => arrivals.push(resolve)),
      );
      queue.handle({ type: "base", id: 1, params: paramsOf(0) });
      const seeds = { clientIndex: 0, clientCount: 4, seed: 1, commonSeed: 2 };
      const job = {
        round: 1,
        phase: "train",
        kind: "train",
        baseId: 1,
        rounds: [],
        ...seeds,
      } as const;
      for (const id of [0, 1, 2])
        queue.handle({ type: "clientJob", id, clientId: `c${id}`, ...job });
      await setImmediate();
      const first = arrivals.length;
      for (let i = 0; i < 3; i++) {
        arrivals[i]?.();
        await setImmediate();
      }
      await queue.idle();
      return [first, arrivals.length];
    };
    assert.deepEqual(await sent(1), [3, 3]);
    assert.deepEqual(await sent(2 ** 13), [1, 3]);
  });

  it("runs each job on the base that it names, even if that is forgotten meanwhile", async () => {
    const { params, bring, add, finish, queue } = manualQueue();
    const term = new Map([["w", { shape: [1], data: Float32Array.of(4) }]]);
    bring(2, 7);
    add(0, 2, [[term], []]);
    add(1, 1);
    add(2, 2);
    queue.handle({ type: "forgetBase", id: 2 });
    assert.equal(add(3, 2), "MALFORMED");
    for (let i = 0; i < 3; i++) await finish();
    await queue.idle();
    assert.deepEqual(params(), [
      { base: paramsOf(7), rounds: [[term], []] },
      { base: paramsOf(0), rounds: [] },
      { base: paramsOf(7), rounds: [] },
    ]);
  });

  it("computes a derived base before the jobs on it", async () => {
    const { params, bring, add, end, finish, begun, queue } = manualQueue();
    const term = new Map([["w", { shape: [1], data: Float32Array.of(4) }]]);
    const derive = (id: number, from: number, shape = [1]) => {
      const terms = [new Map([["w", { shape, data: new Float32Array(shape[0] ?? 0).fill(4) }]])];
      return queue.handle({ type: "derivedBase", id, from, terms });
    };
    bring(2, 7);
    assert.equal(outcome(derive(3, 2)), "accepted");
    assert.equal(outcome(derive(4, 3)), "accepted");
    queue.handle({ type: "forgetBase", id: 3 });
    assert.equal(add(0, 4, [[term]]), "accepted");
    assert.equal(add(1, 4), "accepted");
    assert.equal(add(2, 4), "accepted");
    end(1);
    assert.deepEqual(begun(), []);
    while (begun().length === 0) await setImmediate();
    for (let i = 0; i < 2; i++) await finish();
    await queue.idle();
    assert.deepEqual(begun(), [0, 2]);
    assert.deepEqual(params(), [
      { base: paramsOf(15), rounds: [[term]] },
      { base: paramsOf(15), rounds: [] },
    ]);
    assert.equal(outcome(derive(5, 3)), "MALFORMED");
    assert.throws(() => derive(5, 4, [2]), /expected a change of 1, got 2/);
  });

  it("refuses a job whose terms do not fit its base, and continues", async () => {
    const { begun, add, finish, queue } = manualQueue();
    const other = new Map([["v", { shape: [1], data: Float32Array.of(4) }]]);
    const refusal = (error: unknown) =>
      error instanceof WireError && error.failure.code === "WRONG_MODULES";
    assert.throws(() => add(0, 1, [[other]]), refusal);
    assert.equal(add(1), "accepted");
    await finish();
    await queue.idle();
    assert.deepEqual(begun(), [1]);
  });

  it("keeps a bounded number of jobs and of bytes of bases", () => {
    const { queue, add, bring } = manualQueue();
    const jobs = Array.from({ length: 70 }, (_, id) => add(id));
    assert.equal(jobs.indexOf("OVERSIZE"), 64);
    queue.maxMessageBytes = 0; // leaves 64 MiB for small bases, which count 1 KiB more than they have
    const bases = Array.from({ length: 2 ** 16 + 10 }, (_, i) => outcome(bring(i + 2)));
    const kept = bases.filter((reply) => reply === "accepted").length;
    assert.ok(kept > 60_000 && kept < 2 ** 16, String(kept));
    assert.equal(bases.at(-1), "OVERSIZE");
    queue.handle({ type: "forgetBase", id: 2 });
    assert.equal(outcome(bring(2)), "accepted");
  });

  it("forgets everything when it is cleared", async () => {
    const { begun, delivered, add, finish, queue } = manualQueue();
    add(0);
    add(1);
    queue.clear();
    assert.equal(add(2), "MALFORMED");
    await finish();
    await queue.idle();
    assert.deepEqual(begun(), [0]);
    assert.deepEqual(delivered, []);
  });
});
