import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { addTerms, Products, type Delta, type Params } from "@fedclair/core";
import {
  loadParams,
  type ClientJob,
  type ClientParams,
  type Job,
  type StoredParams,
} from "@fedclair/core/internal";
import type { CoordinatorMessage } from "./codec/coordinator-message.js";
import { encodeReady, encodeUpdate } from "./codec/host-message.js";
import { connectHost } from "./connect-host.js";
import type { SocketPoolOptions } from "./socket-pool-options.js";
import type { SocketPool } from "./socket-pool.js";
import {
  admitAll,
  codes,
  collect,
  jobsFor,
  listenFor,
  never,
  oneByOne,
  paramsOf,
  updateOf,
} from "../testing/pools.js";
import { RawHost } from "../testing/raw-host.js";

/** A message in short form: `base 1`, `c0 on 1`, `forget 1`. */
function shortly(message: CoordinatorMessage): string {
  switch (message.type) {
    case "base":
      return `base ${message.id}`;
    case "derivedBase":
      return `base ${message.id} from ${message.from}`;
    case "forgetBase":
      return `forget ${message.id}`;
    case "clientJob":
      return `${message.clientId} on ${message.baseId}`;
    default:
      return message.type;
  }
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

describe("SocketPool, the params of jobs", () => {
  let pool: SocketPool;
  const ends: (() => void)[] = [];

  const open = async (count: number, options: Partial<SocketPoolOptions> = {}) => {
    pool = await listenFor(count, options);
  };
  /** A host that answers every job. */
  const joined = async (capacity: number) => {
    const host = await RawHost.connect(pool.url);
    ends.push(() => host.socket.disconnect());
    await host.joinReady({ capacity });
    const messages: string[] = [];
    const serve = async () => {
      for (;;) {
        const message = await host.next();
        messages.push(shortly(message));
        if (message.type !== "clientJob") continue;
        await host.channel.send(encodeUpdate(message.id, updateOf(message.clientId)));
      }
    };
    void serve();
    /** All messages that it has received so far. */
    return async () => {
      await host.channel.send(encodeReady()); // a round trip: everything in flight has arrived
      await setImmediate(); // and `serve` has seen it
      return messages.splice(0);
    };
  };
  /** A host of `connectHost`. @param see called with every job */
  const working = async (see: (job: ClientJob) => void) => {
    const abort = new AbortController();
    ends.push(() => {
      abort.abort();
    });
    void connectHost({
      url: pool.url,
      capacity: 10,
      backends: ["none"],
      softwareVersion: "test",
      onWelcome: () => Promise.resolve(),
      runJobs: oneByOne((job) => {
        see(job);
        const { id: jobId, clientId } = job;
        return Promise.resolve({ jobId, clientId, update: updateOf(clientId) });
      }),
      signal: abort.signal,
    });
    await pool.ready(never);
  };
  const on = (base: Params, ...clientIds: string[]): Job[] =>
    jobsFor(clientIds, { params: { base, rounds: [] } });
  /** A base as another one and the terms that were added to it, as a job has it. */
  const derive = async (
    from: StoredParams,
    terms: Delta[],
  ): Promise<Pick<Job, "params" | "derivation">> => ({
    params: { base: await addTerms(from, terms, new Products()), rounds: [] },
    derivation: { from: new WeakRef(loadParams(from)), terms },
  });

  afterEach(async () => {
    for (const end of ends.splice(0)) end();
    await pool.close();
  });

  it("are sent to a host once as a base, also over two calls, until another base replaces it", async () => {
    await open(4);
    const [first, second] = [await joined(2), await joined(2)];
    const [base, next] = [paramsOf(1), paramsOf(2)];
    await collect(pool, on(base, "c0", "c1", "c2", "c3"));
    assert.deepEqual(await first(), ["base 1", "c0 on 1", "c1 on 1"]);
    assert.deepEqual(await second(), ["base 1", "c2 on 1", "c3 on 1"]);
    await collect(pool, on(base, "c3", "c1"));
    assert.deepEqual([await first(), await second()], [["c1 on 1"], ["c3 on 1"]]);
    await collect(pool, on(next, "c0", "c2", "c3"));
    assert.deepEqual(await first(), ["base 2", "c0 on 2", "c2 on 2"]); // c1 used the first one
    assert.deepEqual(await second(), ["base 2", "c3 on 2"]); // and c2
    await collect(pool, on(next, "c1", "c2"));
    assert.deepEqual(await first(), ["c1 on 2", "forget 1"]);
    assert.deepEqual(await second(), ["c2 on 2", "forget 1"]);
  });

  const ids = Array.from({ length: 9 }, (_, i) => `c${i}`);
  const bases = (received: readonly string[]) => received.filter((line) => line.startsWith("base"));

  it("stay at a host that has bases of many clients, and are sent once", async () => {
    await open(9);
    const host = await joined(9);
    const shared = paramsOf(0);
    const own = ids.map((_, i) => (i % 2 ? paramsOf(i) : shared));
    const jobs = () => ids.flatMap((id, i) => on(own[i] ?? shared, id));
    await collect(pool, jobs());
    assert.equal(bases(await host()).length, 5);
    await collect(pool, jobs());
    const received = await host();
    assert.deepEqual(bases(received), []);
    assert.equal(received.length, 9, received.join(", "));
  });

  it("keep the most recent 32 MiB of the clients' own bases at a host", async () => {
    await open(9);
    const host = await joined(9);
    const length = 2 ** 21 - 1024;
    const large = () => new Map([["w", { shape: [length], data: new Float32Array(length) }]]);
    const own = ids.map(large);
    const held = new Set<string>();
    let most = 0;
    const received = async () => {
      const lines = await host();
      for (const line of lines) {
        const [what = "", id = ""] = line.split(" ");
        if (what === "base") held.add(id);
        if (what === "forget") assert.ok(held.delete(id), line);
        most = Math.max(most, held.size);
      }
      return lines;
    };
    const answers = await collect(
      pool,
      ids.flatMap((id, i) => on(own[i] ?? large(), id)),
    );
    assert.deepEqual(codes(answers), Object.fromEntries(ids.map((id) => [id, "ok"])));
    assert.equal(bases(await received()).length, 9);
    assert.deepEqual([...held], ["6", "7", "8", "9"]);
    assert.ok(most < 9, `${most} at a time`);
    await collect(pool, on(own[0] ?? large(), "c0"));
    assert.deepEqual(await received(), ["base 1", "c0 on 1", "forget 6"]);
  });

  /** A low-rank pair that is small compared with the base. */
  const square = () =>
    new Map([["w", { shape: [20, 20], data: new Float32Array(400).fill(1 / 3) }]]);
  const pair = (): Delta => {
    const factor = (shape: number[]) => ({
      shape,
      data: Float64Array.from({ length: 20 }, Math.sin),
    });
    return new Map([["w", { b: factor([20, 1]), a: factor([1, 20]) }]]);
  };

  it("are sent as terms added to another base that the host has, where that is shorter", async () => {
    await open(2);
    const host = await joined(2);
    const [first, large] = [square(), square()];
    const second = await derive(first, [pair()]);
    const third = { params: { base: large, rounds: [] } };
    const fourth = await derive(square(), [pair()]);
    const start = { params: { base: first, rounds: [] } };
    for (const job of [start, second, third, fourth])
      await collect(pool, jobsFor(["c0", "c1"], job));
    const received = await host();
    assert.deepEqual(
      received.filter((line) => line.startsWith("base")),
      ["base 1", "base 2 from 1", "base 3", "base 4"],
    );
    assert.deepEqual(
      received.filter((line) => line.startsWith("forget")),
      ["forget 1", "forget 2", "forget 3"],
    );
  });

  it("are the same at the host as at the coordinator, to the bit", async () => {
    await open(1);
    const bases: StoredParams[] = [];
    await working(({ params }) => bases.push(params.base));
    const first = square();
    const second = await derive(first, [pair(), pair()]);
    const third = await derive(second.params.base, [pair()]);
    await collect(pool, on(first, "c0"));
    for (const job of [second, third]) await collect(pool, jobsFor(["c0"], job));
    assert.deepEqual(bases, [first, second.params.base, third.params.base]);
    assert.notDeepEqual(first, third.params.base);
  });

  it("are still sent for a call that needs a base which another call abandoned half way", async () => {
    await open(2, { chunkBytes: 64 });
    const host = await joined(2);
    const base = paramsOf(...new Array<number>(500).fill(1));
    const closing = new AbortController();
    const aborted = collect(pool, on(base, "c0"), admitAll, closing.signal);
    const continued = collect(pool, on(base, "c1"));
    closing.abort();
    assert.equal((await aborted).size, 0);
    assert.deepEqual(codes(await continued), { c1: "ok" });
    assert.deepEqual(await host(), ["base 1", "c1 on 1"]);
  });

  it("travel as low-rank pairs: two terms take few bytes compared with the base", async () => {
    await open(1);
    await joined(1);
    const [p, r] = [512, 4];
    const term = (): Delta => {
      const b = { shape: [p, r], data: new Float32Array(p * r).fill(1) };
      const a = { shape: [r, p], data: new Float32Array(r * p).fill(1) };
      return new Map([["w", { b, a }]]);
    };
    const base = new Map([["w", { shape: [p, p], data: new Float32Array(p * p) }]]);
    const bytesOf = async (rounds: ClientParams["rounds"]) => {
      const before = pool.traffic.bytesSent;
      await collect(pool, jobsFor(["c0"], { params: { base, rounds } }));
      return pool.traffic.bytesSent - before;
    };
    const dense = 4 * p * p;
    assert.ok((await bytesOf([])) > dense, "the base itself");
    const pairs = 2 * 2 * 4 * p * r;
    const personal = await bytesOf([[term(), term()]]);
    assert.ok(personal > pairs && personal < pairs + 500, `${personal} bytes for ${pairs}`);
    assert.ok(personal < dense / 30);
  });

  it("fail the job if they do not fit together, and the host continues", async () => {
    await open(4);
    let ran = 0;
    await working(() => ran++);
    const base = paramsOf(1, 2);
    const foreign = new Map([["v", { shape: [2], data: Float64Array.of(1, 2) }]]);
    const longer = new Map([["w", { shape: [3], data: Float64Array.of(1, 2, 3) }]]);
    const broken = new Map([["w", { shape: [3], data: Float64Array.of(1, 2) }]]);
    const answers = await collect(pool, [
      ...jobsFor(["c0"], { params: { base, rounds: [[foreign]] } }),
      ...jobsFor(["c1"], { params: { base, rounds: [[], [longer]] } }),
      ...jobsFor(["c2"], { params: { base: broken, rounds: [] } }),
      ...jobsFor(["c3"], { params: { base, rounds: [] } }),
    ]);
    assert.deepEqual(codes(answers), {
      c0: "WRONG_MODULES",
      c1: "WRONG_SHAPE",
      c2: "WRONG_SHAPE",
      c3: "ok",
    });
    assert.equal(ran, 1);
  });

  it("are freed at both ends when their call is over, after a thousand of them", async () => {
    await open(2);
    const refs: WeakRef<object>[] = [];
    await working((job) => refs.push(new WeakRef(job), new WeakRef(job.params.base)));
    for (let i = 0; i < 1000; i++) {
      const jobs = on(paramsOf(i), "c0", "c1");
      for (const job of jobs) refs.push(new WeakRef(job), new WeakRef(job.params.base));
      const closing = new AbortController();
      const answers = collect(pool, jobs, admitAll, closing.signal);
      if (i % 10 === 5) closing.abort(); // its base is in flight
      await answers;
    }
    assert.ok(refs.length > 7000);
    await setImmediate(); // a WeakRef keeps its target until the next turn
    collectGarbage();
    const left = refs.filter((ref) => ref.deref() !== undefined).length;
    // The last call's two jobs, and with each its base, at both ends.
    assert.ok(left <= 8, `${left} of ${refs.length} are left`);
  });
});
