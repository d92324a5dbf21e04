import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Answer, ClientJob } from "@fedclair/core";
import { JobQueue } from "./job-queue.js";
import { trained, updateOf } from "../testing/pools.js";
import { outcome } from "../testing/raw-host.js";

const global = new Map();
const later = { ...trained, serial: 2, round: 2 };

/** A queue whose jobs end when `finish` is called. */
function manualQueue() {
  const begun: string[] = [];
  const delivered: string[] = [];
  const signals: AbortSignal[] = [];
  let finish: () => void = () => undefined;
  const runJob = ({ clientId, round }: ClientJob) => {
    begun.push(`${clientId} in ${round}`);
    return new Promise<Answer>((resolve) => {
      finish = () => {
        resolve({ clientId, update: updateOf(clientId) });
      };
    });
  };
  const queue = new JobQueue(runJob, (_, { clientId }, signal) => {
    delivered.push(clientId);
    signals.push(signal);
    return Promise.resolve();
  });
  const start = (work = trained) => queue.handle({ type: "roundStart", work, global });
  const add = (clientId: string, work = trained) =>
    outcome(queue.handle({ type: "clientJob", work, clientId, personal: undefined }));
  const end = (work = trained) => queue.handle({ type: "roundEnd", work });
  return {
    queue,
    begun,
    delivered,
    signals,
    start,
    add,
    end,
    finish: () => {
      finish();
    },
  };
}

describe("JobQueue", () => {
  it("begins a job when the last one is over", async () => {
    const { begun, delivered, start, add, finish, queue } = manualQueue();
    start();
    assert.equal(add("c0"), "accepted");
    assert.equal(add("c1"), "accepted");
    assert.deepEqual(begun, ["c0 in 1"]);
    finish();
    await setImmediate();
    assert.deepEqual(begun, ["c0 in 1", "c1 in 1"]);
    assert.deepEqual(delivered, ["c0"]);
    finish();
    await queue.idle();
    assert.deepEqual(delivered, ["c0", "c1"]);
  });

  it("drops what it has not begun when the round ends, and the running job's result", async () => {
    const { begun, delivered, start, add, end, finish, queue } = manualQueue();
    start();
    add("c0");
    add("c1");
    end();
    assert.equal(add("c2"), "STALE_ROUND");
    finish();
    await queue.idle();
    assert.deepEqual(begun, ["c0 in 1"]);
    assert.deepEqual(delivered, []);
  });

  it("takes the start of the next round for the end of this one", async () => {
    const { begun, delivered, start, add, end, finish, queue } = manualQueue();
    start();
    add("c0");
    add("c1");
    start(later);
    end(); // of the first, late
    assert.equal(add("c1"), "STALE_ROUND");
    assert.equal(add("c2", later), "accepted");
    finish();
    await setImmediate();
    finish();
    await queue.idle();
    assert.deepEqual(begun, ["c0 in 1", "c2 in 2"]);
    assert.deepEqual(delivered, ["c2"]);
  });

  it("refuses jobs before any round", () => {
    assert.equal(manualQueue().add("c0"), "STALE_ROUND");
  });

  it("gives a delivery up when its round ends", async () => {
    const { signals, start, add, end, finish } = manualQueue();
    start();
    add("c0");
    finish();
    await setImmediate();
    assert.deepEqual(
      signals.map((s) => s.aborted),
      [false],
    );
    end();
    assert.deepEqual(
      signals.map((s) => s.aborted),
      [true],
    );
  });
});
