import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { mock } from "node:test";
import { UserError, type Update } from "@fedclair/core";
import type { Answer, ClientJob, Failure } from "@fedclair/core/internal";
import { WebSocketServer } from "ws";
import { connectHost, type NodeHostOptions } from "./connect-host.js";
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
import { proxyTo, type Proxy } from "../testing/proxy.js";

/** A promise that the test resolves. */
function createSignal() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

/** Encodes the answer to a job. */
function answerTo({ id: jobId, clientId }: ClientJob, update: Update = updateOf(clientId)): Answer {
  return { jobId, clientId, update };
}

describe("connectHost", () => {
  let pool: SocketPool;
  let proxy: Proxy | undefined;
  const aborts: AbortController[] = [];

  const listen = async (count: number, options: Partial<SocketPoolOptions> = {}) => {
    pool = await listenFor(count, options);
  };
  /** A host that answers every job with an update, unless the test overrides it. */
  const host = (changes: Partial<NodeHostOptions> = {}) => {
    const abort = new AbortController();
    aborts.push(abort);
    const ended = connectHost({
      url: pool.url,
      capacity: 10,
      backends: ["none"],
      softwareVersion: "test",
      onWelcome: () => Promise.resolve(),
      runJobs: oneByOne((job) => Promise.resolve(answerTo(job))),
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

  it("runs its jobs one after another, with the right params", async () => {
    await listen(4);
    const params = new Map<number, ClientJob["params"]>();
    let running = 0;
    host({
      runJobs: oneByOne(async (job) => {
        assert.equal(++running, 1);
        params.set(job.id, job.params);
        await Promise.resolve();
        running--;
        return answerTo(job);
      }),
    });
    await pool.ready(never);
    const base = paramsOf(1, 2);
    const term = new Map([["w", { shape: [2], data: Float64Array.of(3, 4) }]]);
    const asked = [
      ...jobsFor(["c0"], { params: { base, rounds: [] } }),
      ...jobsFor(["c1"], { params: { base: paramsOf(5), rounds: [] } }),
      ...jobsFor(["c2"], { params: { base, rounds: [[term], [term, term]] } }),
      ...jobsFor(["c3"], { kind: "evaluate", params: { base, rounds: [] } }),
    ];
    const answers = await collect(pool, asked);
    assert.deepEqual(codes(answers), { c0: "ok", c1: "ok", c2: "ok", c3: "ok" });
    // The order is open: jobs overtake a job whose base is yet to be sent.
    assert.deepEqual(params, new Map(asked.map((job) => [job.id, job.params])));
  });

  it("keeps its connection when the clock is set forward or back", async () => {
    const lines: string[] = [];
    await listen(1, { log: (line) => lines.push(line) });
    host();
    await pool.ready(never);
    const now = Date.now.bind(Date);
    const days = 86_400_000;
    let step = 0;
    mock.method(Date, "now", () => now() + step);
    try {
      for (step of [3 * days, -3 * days, 365 * days]) {
        for (let round = 0; round < 2; round++) {
          assert.deepEqual(codes(await collect(pool, jobsFor(["c0"]))), { c0: "ok" });
        }
      }
    } finally {
      mock.restoreAll();
    }
    assert.deepEqual(
      lines.filter((line) => line.startsWith("lost")),
      [],
    );
  });

  it("reports a coordinator of another release, once", async () => {
    await listen(1, { softwareVersion: "1.2.3" });
    const releases: string[] = [];
    host({ onOtherRelease: (release) => releases.push(release) });
    await pool.ready(never);
    assert.deepEqual([releases, pool.otherReleases], [["1.2.3"], ["test"]]);
  });

  it("gets clients only when it has prepared the trial", async () => {
    await listen(1);
    const preparing = createSignal();
    const welcomed = createSignal();
    host({
      onWelcome: async (trialJson) => {
        assert.equal(trialJson, '{"name":"test"}');
        welcomed.open();
        await preparing.opened;
      },
    });
    await welcomed.opened;
    assert.deepEqual(codes(await collect(pool, jobsFor(["c0"]))), { c0: "HOST_LOST" });
    preparing.open();
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, jobsFor(["c0"]))), { c0: "ok" });
  });

  it("shares the clients with other hosts, and hands them over when it stops", async () => {
    await listen(3);
    const started = createSignal();
    const stuck = host({
      capacity: 2,
      runJobs: oneByOne(async (job) => {
        started.open();
        await once(aborts[0]?.signal ?? never, "abort");
        return answerTo(job);
      }),
    });
    host({ capacity: 3 });
    await pool.ready(never);
    const answers = collect(pool, jobsFor(["c0", "c1", "c2"]));
    await started.opened;
    stuck.stop();
    assert.deepEqual(await stuck.ended, { reason: "stopped", exitCode: 0 });
    const result = await answers;
    const lost = Object.values(codes(result)).filter((code) => code === "HOST_LOST");
    assert.ok(lost.length > 0);
    const next = await collect(pool, jobsFor(["c0", "c1", "c2"], { round: 2 }));
    assert.deepEqual(codes(next), { c0: "ok", c1: "ok", c2: "ok" });
  });

  it("ends with the trial, once its job is done", async () => {
    await listen(1);
    const started = createSignal();
    const finish = createSignal();
    let finished = false;
    const { ended } = host({
      runJobs: oneByOne(async (job) => {
        started.open();
        await finish.opened;
        finished = true;
        return answerTo(job);
      }),
    });
    await pool.ready(never);
    const answers = collect(pool, jobsFor(["c0"]));
    await started.opened;
    await pool.close("enough");
    assert.equal((await answers).size, 0);
    finish.open();
    assert.deepEqual(await ended, { reason: "enough", exitCode: 0 });
    assert.ok(finished);
  });

  it("ends with the exit code of a coordinator whose trial failed", async () => {
    await listen(1);
    const { ended } = host({});
    await pool.ready(never);
    await pool.close("the trial failed: a quorum was missed", 3);
    const reason = "the trial failed: a quorum was missed";
    assert.deepEqual(await ended, { reason, exitCode: 3 });
  });

  it("joins again after a network failure, prepares only once, and continues", async () => {
    await listen(1);
    proxy = await proxyTo(pool.url);
    let prepared = 0;
    host({
      url: proxy.url,
      onWelcome: () => {
        prepared++;
        return Promise.resolve();
      },
      runJobs: oneByOne((job) => {
        if (job.round === 1) proxy?.blip();
        return Promise.resolve(answerTo(job));
      }),
    });
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, jobsFor(["c0"]))), { c0: "HOST_LOST" });
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, jobsFor(["c0"], { round: 2 }))), { c0: "ok" });
    assert.equal(prepared, 1);
  });

  it("serves a restarted coordinator with the same trial, but not with another one", async () => {
    await listen(1);
    proxy = await proxyTo(pool.url);
    const { ended } = host({ url: proxy.url });
    await pool.ready(never);
    const restart = async (options: Partial<SocketPoolOptions>) => {
      proxy?.leadTo("http://127.0.0.1:9"); // the host must not learn that the coordinator ended
      proxy?.blip();
      await pool.close();
      await listen(1, options);
      proxy?.leadTo(pool.url);
    };
    await restart({});
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, jobsFor(["c0"]))), { c0: "ok" });
    await restart({ trialJson: "{}" });
    await assert.rejects(ended, /runs another trial/);
  });

  it("returns 5 MB in small chunks while another host gets answers", async () => {
    await listen(2, { chunkBytes: 20_000 });
    const data = Float32Array.from({ length: 1_310_720 }, (_, i) => i / 3);
    const big = { ...updateOf("c0"), delta: new Map([["w", { shape: [data.length], data }]]) };
    host({ capacity: 1, runJobs: oneByOne((job) => Promise.resolve(answerTo(job, big))) });
    await pool.ready(AbortSignal.timeout(1)).catch(() => undefined);
    host({ capacity: 1 });
    await pool.ready(never);
    const before = pool.traffic.bytesReceived;
    const order: string[] = [];
    let received: unknown;
    for await (const answer of pool.ask(jobsFor(["c0", "c1"]), admitAll, never)) {
      order.push(answer.clientId);
      if (answer.clientId === "c0") received = "update" in answer && answer.update;
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
      runJobs: oneByOne((job) => {
        const { clientId } = job;
        if (clientId === "c0") throw new Error("thrown");
        const update = updateOf(clientId);
        if (clientId === "c1")
          return Promise.resolve(answerTo(job, { ...update, numExamples: 0.5 }));
        const length = clientId === "c2" ? 1000 : 1;
        const delta = new Map([["w", { shape: [1000], data: new Float32Array(length) }]]);
        return Promise.resolve(answerTo(job, { ...update, delta }));
      }),
    });
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, jobsFor(["c0", "c1", "c2", "c3"]))), {
      c0: "CLIENT_ERROR",
      c1: "MALFORMED",
      c2: "OVERSIZE",
      c3: "WRONG_SHAPE",
    });
    assert.deepEqual(refusals, [["c2", "OVERSIZE"]]);
  });

  it("gives up when refused", async () => {
    await listen(1, { tokens: { secret: "secret" } });
    await assert.rejects(host({ token: "wrong" }).ended, (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /BAD_TOKEN/);
      return true;
    });
  });

  it("gives up when it finds no coordinator in time", async () => {
    await listen(1);
    const { url } = pool;
    await pool.close();
    await assert.rejects(host({ url, patienceSeconds: 0.05 }).ended, (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /no coordinator at http:\/\/127\.0\.0\.1:\d+ for 0\.05 s/);
      return true;
    });
  });

  it("gives up on a coordinator that lets it in again and again without a Welcome", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    let connections = 0;
    server.on("connection", (socket) => {
      connections++;
      const handshake = '0{"sid":"a","upgrades":[],"pingInterval":9000,"pingTimeout":9000}';
      for (const packet of [handshake, '40{"sid":"b"}', "41"]) socket.send(packet);
    });
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await assert.rejects(
      host({ url, patienceSeconds: 0.7 }).ended,
      /no coordinator at .* for 0\.7 s/,
    );
    assert.ok(connections <= 2, `${connections} connections`);
    server.close();
  });

  it("outlives a coordinator whose handshake is damaged, or whose texts are long", async () => {
    await listen(1);
    const handshake = '0{"sid":"a","upgrades":[],"pingInterval":9000,"pingTimeout":9000}';
    for (const [why, ...packets] of [
      ["the handshake is damaged", "0{bad"],
      ["the handshake is damaged", "0null"],
      ["the handshake is damaged", "0[]"],
      ["the handshake is damaged", '0{"sid":"a","pingInterval":9,"pingTimeout":9}'],
      ["parse error", handshake, '40{"sid":"a"}', `42["x"${",0".repeat(400_000)}]`],
    ]) {
      const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
      server.on("connection", (socket) => {
        for (const packet of packets) socket.send(packet);
      });
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const heard = createSignal();
      const reasons: string[] = [];
      const { ended, stop } = host({
        url: `http://127.0.0.1:${port}`,
        onUnreachable: (why) => {
          reasons.push(why);
          heard.open();
        },
        onLost: (why) => {
          reasons.push(why);
          heard.open();
        },
      });
      await heard.opened;
      assert.deepEqual(reasons, [why]);
      stop();
      assert.equal((await ended).reason, "stopped");
      for (const client of server.clients) client.terminate();
      server.close();
    }
  });

  it("reports once, and at once, why there is no coordinator", async () => {
    await listen(1);
    const { url } = pool;
    const same = port();
    await pool.close();
    const reasons: string[] = [];
    const heard = createSignal();
    host({
      url,
      onUnreachable: (why) => {
        reasons.push(why);
        heard.open();
      },
    });
    await heard.opened;
    await listen(1, { port: same });
    await pool.ready(never);
    assert.equal(reasons.length, 1);
    assert.match(reasons[0] ?? "", /ECONNREFUSED/);
  });

  it("computes with the one of its backends that the coordinator chooses", async () => {
    await listen(1, { backend: "b" });
    const backend = new Promise<string>((resolve) => {
      host({
        backends: ["a", "b"],
        onWelcome: (_, backend) => {
          resolve(backend);
          return Promise.resolve();
        },
      });
    });
    assert.equal(await backend, "b");
  });

  it("rejects with the error that preparing throws", async () => {
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
    assert.deepEqual(codes(await collect(pool, jobsFor(["c0"]))), { c0: "ok" });
  });
});
