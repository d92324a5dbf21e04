import assert from "node:assert/strict";
import type { Admit, ClientParams, Job } from "@fedclair/core/internal";
import { encodeClientFailed, encodeUpdate } from "./codec/host-message.js";
import type { SocketPoolOptions } from "./socket-pool-options.js";
import type { SocketPool } from "./socket-pool.js";
import {
  admitAll,
  codes,
  collect,
  jobsFor,
  listenFor,
  never,
  paramsOf,
  updateOf,
} from "../testing/pools.js";
import { outcome, RawHost } from "../testing/raw-host.js";

/** Large params of a client: 64 KiB in addition to the shared ones. */
const large: ClientParams = {
  base: paramsOf(1),
  rounds: [[new Map([["w", { shape: [2 ** 13], data: new Float64Array(2 ** 13) }]])]],
};

describe("SocketPool, working", () => {
  let pool: SocketPool;
  const hosts: RawHost[] = [];

  const open = async (count: number, options: Partial<SocketPoolOptions> = {}) => {
    pool = await listenFor(count, options);
  };
  const joined = async (capacity: number) => {
    const host = await RawHost.connect(pool.url);
    hosts.push(host);
    await host.joinReady({ capacity });
    return host;
  };
  const send = async (host: RawHost, bytes: Uint8Array) => outcome(await host.channel.send(bytes));
  /** Answers a job, by default as its client. */
  const answer = (host: RawHost, { id, clientId }: Job, as = clientId) =>
    send(host, encodeUpdate(id, updateOf(as)));
  /** Asks for the jobs and waits until the host has received the first of its own. */
  const begin = async (
    host: RawHost,
    jobs: readonly Job[],
    admit: Admit = admitAll,
    signal = never,
  ) => {
    const answers = collect(pool, jobs, admit, signal);
    await untilNext(host, "clientJob");
    return { answers };
  };
  const untilNext = async (host: RawHost, type: string) => {
    let message = await host.next();
    while (message.type !== type) message = await host.next();
    return message;
  };
  /** The job of one client. */
  const jobFor = (clientId: string, changes: Partial<Job> = {}): Job => {
    const [job] = jobsFor([clientId], changes);
    assert.ok(job);
    return job;
  };

  afterEach(async () => {
    for (const host of hosts.splice(0)) host.socket.disconnect();
    await pool.close();
  });

  it("sends at most three jobs with large params to a host at a time", async () => {
    await open(5);
    const host = await joined(5);
    const [c0, c1, c2, c3, c4] = ["c0", "c1", "c2", "c3", "c4"].map((id) =>
      jobFor(id, { params: large }),
    );
    assert.ok(c0 && c1 && c2 && c3 && c4);
    // Two calls share the three.
    const { answers } = await begin(host, [c0, c1]);
    const others = collect(pool, [c2, c3, c4]);
    const next = async () => {
      const message = await untilNext(host, "clientJob");
      return message.type === "clientJob" && message.id;
    };
    assert.deepEqual([await next(), await next()], [c1.id, c2.id]);
    // a round trip: everything else has arrived
    assert.equal(await answer(host, { ...c0, id: 0 }), "STALE_ROUND");
    assert.equal(host.waiting, 0);
    await answer(host, c1);
    assert.equal(await next(), c3.id);
    for (const job of [c0, c2, c3, c4]) await answer(host, job);
    assert.deepEqual(codes(await answers), { c0: "ok", c1: "ok" });
    assert.deepEqual(codes(await others), { c2: "ok", c3: "ok", c4: "ok" });
  });

  it("sends at most 32 other jobs to a host, which may run many together", async () => {
    const ids = Array.from({ length: 33 }, (_, i) => `c${i}`);
    await open(33);
    const host = await joined(33);
    const jobs = jobsFor(ids);
    const { answers } = await begin(host, jobs);
    for (let waiting = 1; waiting < 32; waiting++) await untilNext(host, "clientJob");
    const [first, ...others] = jobs;
    assert.ok(first);
    // a round trip: everything else has arrived
    assert.equal(await answer(host, { ...first, id: 0 }), "STALE_ROUND");
    assert.equal(host.waiting, 0);
    await answer(host, first);
    await untilNext(host, "clientJob");
    for (const job of others) await answer(host, job);
    assert.ok(Object.values(codes(await answers)).every((code) => code === "ok"));
  });

  it("refuses stale, foreign, unknown and repeated answers without harm to the valid one", async () => {
    await open(3);
    const host = await joined(2);
    const other = await joined(2);
    const [c0, c2] = [jobFor("c0"), jobFor("c2")];
    const { answers } = await begin(host, [c0, c2]);
    assert.equal(await answer(host, { ...c0, id: c2.id + 1 }), "STALE_ROUND");
    assert.equal(await answer(other, c0), "UNKNOWN_CLIENT");
    assert.equal(await answer(host, c0, "c1"), "UNKNOWN_CLIENT", "the job is not its own");
    assert.equal(await answer(host, c2, "c0"), "UNKNOWN_CLIENT", "the job is not its own");
    assert.equal(await answer(host, c0, "nobody"), "UNKNOWN_CLIENT");
    assert.equal(await answer(host, c0), "accepted");
    assert.equal(await answer(host, c0), "DUPLICATE");
    const failure = { code: "CLIENT_ERROR", message: "too late" } as const;
    assert.equal(await send(host, encodeClientFailed(c0.id, "c0", failure)), "DUPLICATE");
    await answer(other, c2);
    assert.deepEqual(codes(await answers), { c0: "ok", c2: "ok" });
    assert.equal(await answer(host, c0), "STALE_ROUND");
    assert.deepEqual(Object.fromEntries(pool.traffic.refused), {
      STALE_ROUND: 2,
      UNKNOWN_CLIENT: 4,
      DUPLICATE: 2,
    });
  });

  it("does not use an answer to one arm's round for the same round of the next arm", async () => {
    await open(1);
    const host = await joined(1);
    const closing = new AbortController();
    const [job, next] = [jobFor("c0"), jobFor("c0")];
    const first = await begin(host, [job], admitAll, closing.signal);
    closing.abort();
    await first.answers;
    const second = await begin(host, [next]);
    assert.equal(await answer(host, job), "STALE_ROUND");
    assert.equal(await answer(host, next), "accepted");
    assert.deepEqual(codes(await second.answers), { c0: "ok" });
  });

  it("keeps several calls apart, also for the same client", async () => {
    await open(2);
    const host = await joined(2);
    const [first, again, other] = [jobFor("c0"), jobFor("c0"), jobFor("c1")];
    const closing = new AbortController();
    const begun = await begin(host, [first, other], admitAll, closing.signal);
    const second = collect(pool, [again]);
    assert.equal(await answer(host, again), "accepted");
    assert.deepEqual(
      await second,
      new Map([["c0", { jobId: again.id, clientId: "c0", update: updateOf("c0") }]]),
    );
    assert.equal(await answer(host, again), "STALE_ROUND");
    assert.equal(await answer(host, first), "accepted");
    closing.abort();
    assert.equal(await answer(host, other), "STALE_ROUND");
    assert.deepEqual(codes(await begun.answers), { c0: "ok" });
  });

  it("sends the result of `admit` to the host, and records it as the client's failure", async () => {
    await open(1);
    const host = await joined(1);
    const failure = { code: "NON_FINITE", message: "module w: entry 0 is NaN" } as const;
    const admit: Admit = ({ delta }) => {
      const w = delta.get("w");
      return w && "data" in w && Number.isNaN(w.data[0]) ? failure : undefined;
    };
    const job = jobFor("c0");
    const { answers } = await begin(host, [job], admit);
    const reply = await host.channel.send(encodeUpdate(job.id, updateOf("c0", NaN)));
    assert.deepEqual(reply, { type: "failure", failure });
    assert.deepEqual([...(await answers).values()], [{ jobId: job.id, clientId: "c0", failure }]);
  });

  it("records an update with inconsistent tensors as the client's failure", async () => {
    await open(1);
    const host = await joined(1);
    const job = jobFor("c0");
    const { answers } = await begin(host, [job]);
    const bytes = encodeUpdate(job.id, updateOf("c0"));
    const shape = bytes.findIndex(
      (_, i) => bytes[i] === 0x0a && bytes[i + 1] === 1 && bytes[i + 2] === 2,
    );
    bytes[shape + 2] = 3; // the extent of module w
    assert.equal(await send(host, bytes), "WRONG_SHAPE");
    assert.deepEqual(codes(await answers), { c0: "WRONG_SHAPE" });
  });

  it("ends with the error that `admit` throws", async () => {
    await open(1);
    const host = await joined(1);
    const admit = () => {
      throw new Error("a bug");
    };
    const job = jobFor("c0");
    const { answers } = await begin(host, [job], admit);
    const [reply] = await Promise.all([answer(host, job), assert.rejects(answers, /a bug/)]);
    assert.equal(reply, "TRIAL_ENDED");
  });

  it("accepts a host's report that a client failed", async () => {
    await open(1);
    const host = await joined(1);
    const failure = { code: "CLIENT_ERROR", message: "no such file" } as const;
    const job = jobFor("c0");
    const { answers } = await begin(host, [job]);
    assert.equal(await send(host, encodeClientFailed(job.id, "c0", failure)), "accepted");
    assert.deepEqual([...(await answers).values()], [{ jobId: job.id, clientId: "c0", failure }]);
  });

  it("fails the clients of a lost host at once, and gives them to others from the next round on", async () => {
    await open(3);
    const first = await joined(4);
    const second = await joined(2);
    const [c0, c1, c2] = [jobFor("c0"), jobFor("c1"), jobFor("c2")];
    const { answers } = await begin(first, [c0, c1, c2]);
    const other = collect(pool, [jobFor("c1", { round: 2 })]);
    assert.equal(await answer(first, c0), "accepted");
    first.socket.io.engine.transport.close();
    assert.deepEqual(codes(await other), { c1: "HOST_LOST" }, "another open call");
    await answer(second, c2);
    assert.deepEqual(codes(await answers), { c0: "ok", c1: "HOST_LOST", c2: "ok" });

    // The second host has room for two of the three.
    const jobs = [jobFor("c0"), jobFor("c1"), jobFor("c2")];
    const next = collect(pool, jobs);
    for (const job of jobs.slice(0, 2)) {
      await untilNext(second, "clientJob");
      await answer(second, job);
    }
    assert.deepEqual(codes(await next), { c0: "ok", c1: "ok", c2: "HOST_LOST" });
  });

  it("gives a client without a host to one that joins late", async () => {
    await open(2);
    assert.deepEqual(codes(await collect(pool, jobsFor(["c0", "c1"]))), {
      c0: "HOST_LOST",
      c1: "HOST_LOST",
    });
    const host = await joined(2);
    const job = jobFor("c1");
    const { answers } = await begin(host, [job]);
    await answer(host, job);
    assert.deepEqual(codes(await answers), { c1: "ok" });
  });

  it("ends the call when the signal aborts: no more answers, and the host learns which jobs are over", async () => {
    await open(5);
    const host = await joined(5);
    const closing = new AbortController();
    const jobs = jobsFor(["c0", "c1", "c2", "c3", "c4"], { params: large });
    const [c0, c1, c2, c3] = jobs;
    assert.ok(c0 && c1 && c2 && c3);
    const { answers } = await begin(host, jobs, admitAll, closing.signal);
    await answer(host, c0);
    for (const { id } of [c1, c2, c3]) {
      const message = await untilNext(host, "clientJob");
      assert.equal(message.type === "clientJob" && message.id, id);
    }
    closing.abort();
    assert.deepEqual(codes(await answers), { c0: "ok" });
    assert.equal(await answer(host, c1), "STALE_ROUND");
    // It knows about the one that was answered, and never received the fifth.
    const ended = [await host.next(), await host.next(), await host.next()];
    assert.deepEqual(
      ended,
      [c1, c2, c3].map(({ id }) => ({ type: "jobEnd", id })),
    );
    const last = jobFor("c4", { params: large });
    const next = await begin(host, [last]);
    await answer(host, last);
    assert.deepEqual(codes(await next.answers), { c4: "ok" });
    assert.equal(host.waiting, 0);
  });

  it("refuses a message over the limit, and fails clients whose params exceed it", async () => {
    await open(1, { maxMessageBytes: 200, chunkBytes: 100 });
    const host = await joined(1);
    const data = new Float32Array(100);
    const large = new Map([["w", { shape: [100], data }]]);
    const small = new Map([["w", { shape: [1], data: data.slice(0, 1) }]]);
    for (const params of [
      { base: large, rounds: [] },
      { base: small, rounds: [[large]] },
    ]) {
      const answers = await collect(pool, jobsFor(["c0"], { params }));
      assert.deepEqual(codes(answers), { c0: "OVERSIZE" });
    }

    host.channel.applyLimits({ chunkBytes: 100, maxMessageBytes: 1e9 });
    assert.equal(await send(host, new Uint8Array(201)), "OVERSIZE");
    const job = jobFor("c0");
    const { answers } = await begin(host, [job]);
    await answer(host, job);
    assert.deepEqual(codes(await answers), { c0: "ok" });
  });

  it("cuts off a host that sends longer frames than agreed, and continues with the others", async () => {
    await open(2, { chunkBytes: 100 });
    const rude = await joined(1);
    const host = await joined(1);
    const [c0, c1] = [jobFor("c0"), jobFor("c1")];
    const { answers } = await begin(host, [c0, c1]);
    rude.channel.applyLimits({ chunkBytes: 1e6, maxMessageBytes: 1e6 });
    assert.equal(await send(rude, new Uint8Array(100_000)), "HOST_LOST");
    await answer(host, c1);
    assert.deepEqual(codes(await answers), { c0: "HOST_LOST", c1: "ok" });
  });

  it("says goodbye", async () => {
    await open(1);
    const host = await joined(1);
    await pool.close("enough", 3);
    assert.deepEqual(await host.next(), { type: "trialEnd", reason: "enough", exitCode: 3 });
  });

  it("counts what it sends and receives", async () => {
    await open(1);
    const host = await joined(1);
    const job = jobFor("c0");
    const { answers } = await begin(host, [job]);
    await answer(host, job);
    await answers;
    assert.equal(pool.traffic.messagesReceived, 3, "Join, Ready, ClientUpdate");
    assert.equal(pool.traffic.messagesSent, 2, "Base, ClientJob");
    assert.ok(pool.traffic.bytesSent > 8 && pool.traffic.bytesReceived > 8);
  });

  it("counts the job times that hosts report for accepted updates, and its own time to encode and decode", async () => {
    await open(2);
    const host = await joined(2);
    const [c0, c1] = [jobFor("c0"), jobFor("c1")];
    const { answers } = await begin(host, [c0, c1]);
    await send(host, encodeUpdate(c0.id, updateOf("c0"), 1.5));
    await send(host, encodeUpdate(c0.id, updateOf("c0"), 8)); // a second answer
    await send(host, encodeUpdate(c1.id, updateOf("c1"), 0.25));
    await answers;
    assert.equal(pool.traffic.workSeconds, 1.75);
    assert.equal(pool.traffic.hostMemory, 0, "this host does not measure it");
    assert.ok(pool.traffic.encodeSeconds > 0 && pool.traffic.decodeSeconds > 0);
  });

  it("cuts off a host that leaves two calls unanswered, and gives its clients to one that came late", async () => {
    const lines: string[] = [];
    await open(2, { log: (line) => lines.push(line) });
    const [silent, other] = [await joined(2), await joined(2)];
    /** A round in which only the second host answers its jobs; it ends with the last answer. */
    const round = async () => {
      const closing = new AbortController();
      const jobs = jobsFor(["c0", "c1"]);
      const answers = collect(pool, jobs, admitAll, closing.signal);
      const message = await untilNext(other, "clientJob");
      const job = jobs.find((one) => message.type === "clientJob" && one.id === message.id);
      assert.equal(await answer(other, job ?? assert.fail()), "accepted");
      closing.abort();
      return codes(await answers);
    };
    const cut = new Promise((resolve) => silent.socket.once("disconnect", resolve));
    assert.deepEqual(await round(), { c1: "ok" });
    assert.deepEqual(await round(), { c1: "ok" });
    await cut;
    assert.match(lines.join("\n"), /^host 1 \(\S+\) answered nothing in 2 rounds: it is cut off$/m);
    const late = await joined(6);
    const [job, lateJob] = [jobFor("c0"), jobFor("c1")];
    const answers = collect(pool, [job, lateJob]);
    await untilNext(other, "clientJob");
    await answer(other, job);
    await untilNext(late, "clientJob");
    await answer(late, lateJob);
    assert.deepEqual(codes(await answers), { c0: "ok", c1: "ok" });
  });
});
