import assert from "node:assert/strict";
import { once } from "node:events";
import { UserError, type ClientJob, type Failure } from "@fedclair/core";
import { connectHost, type HostOptions } from "./connect-host.js";
import type { SocketPool, SocketPoolOptions } from "./socket-pool.js";
import { codes, collect, listenFor, never, updateOf, workFor } from "../testing/pools.js";
import { proxyTo, type Proxy } from "../testing/proxy.js";

/** A promise to be resolved from outside. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

describe("connectHost", () => {
  let pool: SocketPool;
  let proxy: Proxy | undefined;
  const aborts: AbortController[] = [];

  const listen = async (count: number, options: Partial<SocketPoolOptions> = {}) => {
    pool = await listenFor(count, options);
  };
  /** A host that answers every job with an update, unless told otherwise. */
  const host = (changes: Partial<HostOptions> = {}) => {
    const abort = new AbortController();
    aborts.push(abort);
    const ended = connectHost({
      url: pool.url,
      capacity: 10,
      backend: "none",
      softwareVersion: "test",
      onWelcome: () => Promise.resolve(),
      runJob: ({ clientId }) => Promise.resolve({ clientId, update: updateOf(clientId) }),
      signal: abort.signal,
      ...changes,
    });
    return {
      ended,
      stop: () => {
        abort.abort();
      },
    };
  };
  const port = () => Number(new URL(pool.url).port);

  afterEach(async () => {
    for (const abort of aborts.splice(0)) abort.abort();
    await pool.close();
    await proxy?.close();
    proxy = undefined;
  });

  it("does its jobs one after another, in their order, with the right params", async () => {
    await listen(4);
    const jobs: ClientJob[] = [];
    let running = 0;
    host({
      runJob: async (job) => {
        assert.equal(++running, 1);
        jobs.push(job);
        await Promise.resolve();
        running--;
        return { clientId: job.clientId, update: updateOf(job.clientId) };
      },
    });
    await pool.ready(never);
    const personal = new Map([["w", { shape: [], data: Float64Array.of(5) }]]);
    const work = workFor(["c0", "c1", "c2", "c3"], { personal: new Map([["c2", personal]]) });
    assert.deepEqual(codes(await collect(pool, work)), { c0: "ok", c1: "ok", c2: "ok", c3: "ok" });
    const id = { round: 1, phase: "train", kind: "train" };
    const { global } = work;
    assert.deepEqual(jobs, [
      { ...id, clientId: "c0", params: global },
      { ...id, clientId: "c1", params: global },
      { ...id, clientId: "c2", params: personal },
      { ...id, clientId: "c3", params: global },
    ]);
  });

  it("is given clients only when it has prepared the trial", async () => {
    await listen(1);
    const preparing = gate();
    const welcomed = gate();
    host({
      onWelcome: async (trialJson) => {
        assert.equal(trialJson, '{"name":"test"}');
        welcomed.open();
        await preparing.opened;
      },
    });
    await welcomed.opened;
    assert.deepEqual(codes(await collect(pool, workFor(["c0"]))), { c0: "HOST_LOST" });
    preparing.open();
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, workFor(["c0"]))), { c0: "ok" });
  });

  it("shares the clients with other hosts, and hands them on when it stops", async () => {
    await listen(3);
    const started = gate();
    const stuck = host({
      capacity: 2,
      runJob: async ({ clientId }) => {
        started.open();
        await once(aborts[0]?.signal ?? never, "abort");
        return { clientId, update: updateOf(clientId) };
      },
    });
    host({ capacity: 3 });
    await pool.ready(never);
    const arrivals = collect(pool, workFor(["c0", "c1", "c2"]));
    await started.opened;
    stuck.stop();
    assert.equal(await stuck.ended, "stopped");
    const result = await arrivals;
    const lost = Object.values(codes(result)).filter((code) => code === "HOST_LOST");
    assert.ok(lost.length > 0);
    const next = await collect(pool, workFor(["c0", "c1", "c2"], { round: 2 }));
    assert.deepEqual(codes(next), { c0: "ok", c1: "ok", c2: "ok" });
  });

  it("ends with the trial, once its job is done", async () => {
    await listen(1);
    const started = gate();
    const finish = gate();
    let finished = false;
    const { ended } = host({
      runJob: async ({ clientId }) => {
        started.open();
        await finish.opened;
        finished = true;
        return { clientId, update: updateOf(clientId) };
      },
    });
    await pool.ready(never);
    const arrivals = collect(pool, workFor(["c0"]));
    await started.opened;
    await pool.close("enough");
    assert.equal((await arrivals).size, 0);
    finish.open();
    assert.equal(await ended, "enough");
    assert.ok(finished);
  });

  it("joins again after a network blip, prepares only once, and works on", async () => {
    await listen(1);
    proxy = await proxyTo(pool.url);
    let prepared = 0;
    host({
      url: proxy.url,
      onWelcome: () => {
        prepared++;
        return Promise.resolve();
      },
      runJob: ({ clientId, round }) => {
        if (round === 1) proxy?.blip();
        return Promise.resolve({ clientId, update: updateOf(clientId) });
      },
    });
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, workFor(["c0"]))), { c0: "HOST_LOST" });
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, workFor(["c0"], { round: 2 }))), { c0: "ok" });
    assert.equal(prepared, 1);
  });

  it("serves a coordinator that was started anew with the same trial, but with no other", async () => {
    await listen(1);
    proxy = await proxyTo(pool.url);
    const { ended } = host({ url: proxy.url });
    await pool.ready(never);
    const restart = async (options: Partial<SocketPoolOptions>) => {
      proxy?.leadTo("http://127.0.0.1:9"); // nothing is to be heard of the end
      proxy?.blip();
      await pool.close();
      await listen(1, options);
      proxy?.leadTo(pool.url);
    };
    await restart({});
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, workFor(["c0"]))), { c0: "ok" });
    await restart({ trialJson: "{}" });
    await assert.rejects(ended, /runs another trial/);
  });

  it("brings 5 MB back in small chunks while another host is heard", async () => {
    await listen(2, { chunkBytes: 20_000 });
    const data = Float32Array.from({ length: 1_310_720 }, (_, i) => i / 3);
    const big = { ...updateOf("c0"), delta: new Map([["w", { shape: [data.length], data }]]) };
    host({ capacity: 1, runJob: () => Promise.resolve({ clientId: "c0", update: big }) });
    await pool.ready(AbortSignal.timeout(1)).catch(() => undefined);
    host({ capacity: 1 });
    await pool.ready(never);
    const before = pool.traffic.bytesReceived;
    const order: string[] = [];
    let received: unknown;
    for await (const arrival of pool.run(workFor(["c0", "c1"]), never)) {
      order.push(arrival.clientId);
      if (arrival.clientId === "c0") received = "update" in arrival && arrival.update;
    }
    assert.deepEqual(received, big);
    assert.deepEqual(order, ["c1", "c0"]);
    assert.ok(pool.traffic.bytesReceived - before > data.byteLength);
  });

  it("reports a client whose result cannot be sent", async () => {
    await listen(4, { maxMessageBytes: 1000 });
    const refusals: [string, Failure["code"]][] = [];
    host({
      onRefused: (clientId, { code }) => refusals.push([clientId, code]),
      runJob: ({ clientId }) => {
        if (clientId === "c0") throw new Error("thrown");
        const update = updateOf(clientId);
        if (clientId === "c1")
          return Promise.resolve({ clientId, update: { ...update, numExamples: 0.5 } });
        const length = clientId === "c2" ? 1000 : 1;
        const delta = new Map([["w", { shape: [1000], data: new Float32Array(length) }]]);
        return Promise.resolve({ clientId, update: { ...update, delta } });
      },
    });
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, workFor(["c0", "c1", "c2", "c3"]))), {
      c0: "CLIENT_ERROR",
      c1: "MALFORMED",
      c2: "OVERSIZE",
      c3: "WRONG_SHAPE",
    });
    assert.deepEqual(refusals, [["c2", "OVERSIZE"]]);
  });

  it("gives up when refused", async () => {
    await listen(1, { token: "secret" });
    await assert.rejects(host({ token: "wrong" }).ended, (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /BAD_TOKEN/);
      return true;
    });
  });

  it("gives up when there is no coordinator for too long", async () => {
    await listen(1);
    const { url } = pool;
    await pool.close();
    await assert.rejects(host({ url, patienceSeconds: 0.05 }).ended, (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /no coordinator at http:\/\/127\.0\.0\.1:\d+ for 0\.05 s/);
      return true;
    });
  });

  it("says once, and at once, why there is no coordinator", async () => {
    await listen(1);
    const { url } = pool;
    const same = port();
    await pool.close();
    const told: string[] = [];
    const heard = gate();
    host({
      url,
      onUnreachable: (why) => {
        told.push(why);
        heard.open();
      },
    });
    await heard.opened;
    await listen(1, { port: same });
    await pool.ready(never);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /ECONNREFUSED/);
  });

  it("passes on what goes wrong in preparing", async () => {
    await listen(1);
    const onWelcome = () => Promise.reject(new UserError("no such corpus"));
    await assert.rejects(host({ onWelcome }).ended, /no such corpus/);
  });

  it("waits for a coordinator that starts later", async () => {
    await listen(1);
    const { url } = pool;
    const same = port();
    await pool.close();
    host({ url });
    await listen(1, { port: same });
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, workFor(["c0"]))), { c0: "ok" });
  });
});
