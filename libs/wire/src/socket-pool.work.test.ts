import assert from "node:assert/strict";
import type { Work } from "@fedclair/core";
import { encodeClientFailed, encodeUpdate } from "./codec/host-message.js";
import type { SocketPool, SocketPoolOptions } from "./socket-pool.js";
import { codes, collect, listenFor, never, trained, updateOf, workFor } from "../testing/pools.js";
import { outcome, RawHost } from "../testing/raw-host.js";

const later = { ...trained, serial: 2, round: 2 };

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
  const send = async (host: RawHost, bytes: Uint8Array) => outcome(await host.peer.send(bytes));
  const sendUpdate = (host: RawHost, clientId: string, id = trained) =>
    send(host, encodeUpdate(id, updateOf(clientId)));
  /** Starts the work and waits until the host has the first of its jobs. */
  const begin = async (host: RawHost, work: Work, signal = never) => {
    const arrivals = collect(pool, work, signal);
    await untilNext(host, "clientJob");
    return { arrivals };
  };
  const untilNext = async (host: RawHost, type: string) => {
    let message = await host.next();
    while (message.type !== type) message = await host.next();
    return message;
  };

  afterEach(async () => {
    for (const host of hosts.splice(0)) host.socket.disconnect();
    await pool.close();
  });

  it("sends the global params once a host, personal ones with the job", async () => {
    await open(2);
    const host = await joined(2);
    const personal = new Map([["w", { shape: [1], data: Float64Array.of(5) }]]);
    const work = workFor(["c0", "c1"], { personal: new Map([["c1", personal]]) });
    const arrivals = collect(pool, work);
    assert.deepEqual(await host.next(), { type: "roundStart", work: trained, global: work.global });
    const job = { type: "clientJob", work: trained } as const;
    assert.deepEqual(await host.next(), { ...job, clientId: "c0", personal: undefined });
    assert.deepEqual(await host.next(), { ...job, clientId: "c1", personal });
    for (const id of ["c0", "c1"]) assert.equal(await sendUpdate(host, id), "accepted");
    assert.deepEqual(
      await arrivals,
      new Map(["c0", "c1"].map((clientId) => [clientId, { clientId, update: updateOf(clientId) }])),
    );
    assert.deepEqual(await host.next(), { type: "roundEnd", work: trained });
  });

  it("has at most three jobs at a host at a time", async () => {
    await open(5);
    const host = await joined(5);
    const { arrivals } = await begin(host, workFor(["c0", "c1", "c2", "c3", "c4"]));
    for (const id of ["c1", "c2"]) {
      const job = await host.next();
      assert.equal(job.type === "clientJob" && job.clientId, id);
    }
    assert.equal(await sendUpdate(host, "c0", later), "STALE_ROUND"); // there and back: all that was to come has come
    assert.equal(host.waiting, 0);
    await sendUpdate(host, "c1");
    const job = await host.next();
    assert.equal(job.type === "clientJob" && job.clientId, "c3");
    for (const id of ["c0", "c2", "c3", "c4"]) await sendUpdate(host, id);
    assert.equal((await arrivals).size, 5);
  });

  it("refuses stale, foreign, unknown and repeated answers without harm to the valid one", async () => {
    await open(3);
    const host = await joined(2);
    const other = await joined(1);
    const { arrivals } = await begin(host, workFor(["c0", "c2"]));
    for (const id of [
      later,
      { ...trained, phase: "other" },
      { ...trained, kind: "evaluate" as const },
    ]) {
      assert.equal(await sendUpdate(host, "c0", id), "STALE_ROUND");
    }
    assert.equal(await sendUpdate(other, "c0"), "UNKNOWN_CLIENT");
    assert.equal(await sendUpdate(host, "c1"), "UNKNOWN_CLIENT", "it has no part in the work");
    assert.equal(await sendUpdate(host, "nobody"), "UNKNOWN_CLIENT");
    assert.equal(await sendUpdate(host, "c0"), "accepted");
    assert.equal(await sendUpdate(host, "c0"), "DUPLICATE");
    const failure = { code: "CLIENT_ERROR", message: "too late" } as const;
    assert.equal(await send(host, encodeClientFailed(trained, "c0", failure)), "DUPLICATE");
    await sendUpdate(other, "c2");
    assert.deepEqual(codes(await arrivals), { c0: "ok", c2: "ok" });
    assert.equal(await sendUpdate(host, "c0"), "STALE_ROUND");
    assert.deepEqual(Object.fromEntries(pool.traffic.refused), {
      STALE_ROUND: 4,
      UNKNOWN_CLIENT: 3,
      DUPLICATE: 2,
    });
  });

  it("does not take an answer to one arm's round for the same round of the next arm", async () => {
    await open(1);
    const host = await joined(1);
    const closing = new AbortController();
    const first = await begin(host, workFor(["c0"]), closing.signal);
    closing.abort();
    await first.arrivals;
    const second = await begin(host, workFor(["c0"]));
    assert.equal(await sendUpdate(host, "c0", trained), "STALE_ROUND");
    assert.equal(await sendUpdate(host, "c0", { ...trained, serial: 2 }), "accepted");
    assert.deepEqual(codes(await second.arrivals), { c0: "ok" });
  });

  it("tells the sender what `admit` says, and takes its word for the client's failure", async () => {
    await open(1);
    const host = await joined(1);
    const failure = { code: "NON_FINITE", message: "module w: entry 0 is NaN" } as const;
    const admit: Work["admit"] = ({ delta }) => {
      const w = delta.get("w");
      return w && "data" in w && Number.isNaN(w.data[0]) ? failure : undefined;
    };
    const { arrivals } = await begin(host, workFor(["c0"], { admit }));
    const reply = await host.peer.send(encodeUpdate(trained, updateOf("c0", NaN)));
    assert.deepEqual(reply, { type: "failure", failure });
    assert.deepEqual(await arrivals, new Map([["c0", { clientId: "c0", failure }]]));
  });

  it("makes an update whose tensors do not add up the client's failure", async () => {
    await open(1);
    const host = await joined(1);
    const { arrivals } = await begin(host, workFor(["c0"]));
    const bytes = encodeUpdate(trained, updateOf("c0"));
    const shape = bytes.findIndex(
      (_, i) => bytes[i] === 0x0a && bytes[i + 1] === 1 && bytes[i + 2] === 2,
    );
    bytes[shape + 2] = 3; // the extent of module w
    assert.equal(await send(host, bytes), "WRONG_SHAPE");
    assert.deepEqual(codes(await arrivals), { c0: "WRONG_SHAPE" });
  });

  it("ends with the error that `admit` throws", async () => {
    await open(1);
    const host = await joined(1);
    const admit = () => {
      throw new Error("a bug");
    };
    const { arrivals } = await begin(host, workFor(["c0"], { admit }));
    const [reply] = await Promise.all([sendUpdate(host, "c0"), assert.rejects(arrivals, /a bug/)]);
    assert.equal(reply, "TRIAL_ENDED");
  });

  it("takes a host's word for a client that failed", async () => {
    await open(1);
    const host = await joined(1);
    const failure = { code: "CLIENT_ERROR", message: "no such file" } as const;
    const { arrivals } = await begin(host, workFor(["c0"]));
    assert.equal(await send(host, encodeClientFailed(trained, "c0", failure)), "accepted");
    assert.deepEqual(await arrivals, new Map([["c0", { clientId: "c0", failure }]]));
  });

  it("fails the clients of a host that goes, at once, and gives them to others from the next round on", async () => {
    await open(3);
    const first = await joined(2);
    const second = await joined(2);
    const { arrivals } = await begin(first, workFor(["c0", "c1", "c2"]));
    assert.equal(await sendUpdate(first, "c0"), "accepted");
    first.socket.io.engine.transport.close();
    await sendUpdate(second, "c2");
    assert.deepEqual(codes(await arrivals), { c0: "ok", c1: "HOST_LOST", c2: "ok" });

    // The second host has room for one of the two.
    const next = collect(pool, workFor(["c0", "c1", "c2"], { round: 2 }));
    for (const id of ["c0", "c2"]) {
      await untilNext(second, "clientJob");
      await sendUpdate(second, id, later);
    }
    assert.deepEqual(codes(await next), { c0: "ok", c1: "HOST_LOST", c2: "ok" });
  });

  it("gives a client that has no host to one that joins late", async () => {
    await open(2);
    assert.deepEqual(codes(await collect(pool, workFor(["c0", "c1"]))), {
      c0: "HOST_LOST",
      c1: "HOST_LOST",
    });
    const host = await joined(2);
    const { arrivals } = await begin(host, workFor(["c1"], { round: 2 }));
    await sendUpdate(host, "c1", later);
    assert.deepEqual(codes(await arrivals), { c1: "ok" });
  });

  it("closes the work when the signal aborts: no arrivals, no answers, and a word to the host", async () => {
    await open(2);
    const host = await joined(2);
    const closing = new AbortController();
    const { arrivals } = await begin(host, workFor(["c0", "c1"]), closing.signal);
    await sendUpdate(host, "c0");
    closing.abort();
    assert.deepEqual(codes(await arrivals), { c0: "ok" });
    assert.equal(await sendUpdate(host, "c1"), "STALE_ROUND");
    assert.deepEqual(await untilNext(host, "roundEnd"), { type: "roundEnd", work: trained });
  });

  it("refuses a message over the limit, and fails clients whose params are over it", async () => {
    await open(1, { maxMessageBytes: 200, chunkBytes: 100 });
    const host = await joined(1);
    const global = new Map([["w", { shape: [100], data: new Float32Array(100) }]]);
    assert.deepEqual(codes(await collect(pool, workFor(["c0"], { global }))), { c0: "OVERSIZE" });

    host.peer.agree({ chunkBytes: 100, maxMessageBytes: 1e9 });
    assert.equal(await send(host, new Uint8Array(201)), "OVERSIZE");
    const { arrivals } = await begin(host, workFor(["c0"]));
    await sendUpdate(host, "c0", { ...trained, serial: 2 });
    assert.deepEqual(codes(await arrivals), { c0: "ok" });
  });

  it("cuts a host off that sends longer frames than agreed, and goes on with the others", async () => {
    await open(2, { chunkBytes: 100 });
    const rude = await joined(1);
    const host = await joined(1);
    const { arrivals } = await begin(host, workFor(["c0", "c1"]));
    rude.peer.agree({ chunkBytes: 1e6, maxMessageBytes: 1e6 });
    assert.equal(await send(rude, new Uint8Array(100_000)), "HOST_LOST");
    await sendUpdate(host, "c1");
    assert.deepEqual(codes(await arrivals), { c0: "HOST_LOST", c1: "ok" });
  });

  it("says goodbye", async () => {
    await open(1);
    const host = await joined(1);
    await pool.close("enough");
    assert.deepEqual(await host.next(), { type: "trialEnd", reason: "enough" });
  });

  it("keeps count of what it sends and receives", async () => {
    await open(1);
    const host = await joined(1);
    const { arrivals } = await begin(host, workFor(["c0"]));
    await sendUpdate(host, "c0");
    await arrivals;
    await untilNext(host, "roundEnd");
    assert.equal(pool.traffic.messagesReceived, 3, "Join, Ready, ClientUpdate");
    assert.equal(pool.traffic.messagesSent, 3, "RoundStart, ClientJob, RoundEnd");
    assert.ok(pool.traffic.bytesSent > 8 && pool.traffic.bytesReceived > 8);
  });
});
