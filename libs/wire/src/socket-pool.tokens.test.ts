import assert from "node:assert/strict";
import { exitCodes } from "@fedclair/core/internal";
import { encodeUpdate } from "./codec/host-message.js";
import { newTokenKey, parseTokenKey, signToken, type TokenClaims } from "./join/signed-token.js";
import type { SocketPool } from "./socket-pool.js";
import { codes, collect, jobsFor, listenFor, never, updateOf } from "../testing/pools.js";
import { outcome, RawHost } from "../testing/raw-host.js";

const key = parseTokenKey(newTokenKey());
const now = Math.floor(Date.now() / 1000);
let lastId = 0;

/** Signs a token with an id of its own. */
function tokenFor(host: string, changes: Partial<TokenClaims> = {}): string {
  const id = String(++lastId).padStart(16, "0");
  return signToken(key, {
    id,
    role: "host",
    host,
    issued: now,
    expires: now + 3600,
    ...changes,
  });
}

describe("SocketPool, signed tokens", () => {
  let pool: SocketPool;
  const hosts: RawHost[] = [];
  const revoked = new Set<string>();
  const log: string[] = [];

  beforeEach(async () => {
    pool = await listenFor(4, {
      tokens: { key, revoked: () => revoked },
      log: (line) => log.push(line),
    });
  });
  afterEach(async () => {
    for (const host of hosts.splice(0)) host.socket.disconnect();
    await pool.close();
    revoked.clear();
    log.length = 0;
  });

  const connect = async () => {
    const host = await RawHost.connect(pool.url);
    hosts.push(host);
    return host;
  };
  const joined = async (token: string) => {
    const host = await connect();
    await host.joinReady({ token });
    return host;
  };
  const refusal = async (token: string) => {
    const reply = await (await connect()).join({ token });
    assert.ok(reply.type === "failure", "it was admitted");
    assert.equal(reply.failure.code, "BAD_TOKEN");
    return reply.failure.message;
  };
  /** The next job of a host, after its base. */
  const job = async (host: RawHost) => {
    for (;;) {
      const message = await host.next();
      if (message.type === "clientJob") return message;
    }
  };

  it("gives a host only clients in its token's range, and waits for hosts that may hold the others", async () => {
    let ready = false;
    const waiting = pool.ready(never).then(() => (ready = true));
    const low = await joined(tokenFor("low", { clients: [0, 1] }));
    assert.equal(ready, false);
    const high = await joined(tokenFor("high", { clients: [2, 3] }));
    await waiting;
    const answers = collect(pool, jobsFor(["c3", "c0"]));
    assert.equal((await job(low)).clientId, "c0");
    const { id, clientId } = await job(high);
    assert.equal(clientId, "c3");
    // A token does not let its holder answer for another host's clients.
    const stolen = await low.channel.send(encodeUpdate(id, updateOf("c3")));
    assert.equal(outcome(stolen), "UNKNOWN_CLIENT");
    low.socket.disconnect();
    assert.equal(outcome(await high.channel.send(encodeUpdate(id, updateOf("c3")))), "accepted");
    assert.deepEqual(codes(await answers), { c0: "HOST_LOST", c3: "ok" });
    // A host with room but without permission does not get them either.
    assert.deepEqual(codes(await collect(pool, jobsFor(["c0"]))), { c0: "HOST_LOST" });
  });

  it("reports the clients in the tokens' ranges when some clients have no host", async () => {
    await joined(tokenFor("low", { clients: [0, 1] }));
    await assert.rejects(
      pool.ready(AbortSignal.timeout(1)),
      /hold 2 of 4 clients: start .*; tokens of those that joined are for c00-c01$/,
    );
  });

  it("replaces a connection by a newer one with the same token, and tells the older one", async () => {
    const token = tokenFor("gpu-1");
    const older = await joined(token);
    const answers = collect(pool, jobsFor(["c0"]));
    await job(older);
    const cut = new Promise<unknown>((resolve) => older.socket.once("disconnect", resolve));
    const newer = await joined(token);
    assert.deepEqual(codes(await answers), { c0: "HOST_LOST" });
    const end = await older.next();
    assert.ok(end.type === "trialEnd" && end.exitCode === exitCodes.usage);
    assert.match(end.reason, /a host with the same token took its place/);
    await cut;
    const again = collect(pool, jobsFor(["c0"]));
    const { id } = await job(newer);
    assert.equal(outcome(await newer.channel.send(encodeUpdate(id, updateOf("c0")))), "accepted");
    assert.deepEqual(codes(await again), { c0: "ok" });
    assert.equal(log.filter((line) => line.startsWith("lost a host 'gpu-1'")).length, 1);
  });

  it("also replaces a connection that no longer answers, for example because a cable was cut", async () => {
    const token = tokenFor("gpu-1");
    const older = await joined(token);
    older.socket.off("frame"); // silent from now on
    const newer = await joined(token);
    const answers = collect(pool, jobsFor(["c0"]));
    const { id } = await job(newer);
    await newer.channel.send(encodeUpdate(id, updateOf("c0")));
    assert.deepEqual(codes(await answers), { c0: "ok" });
  });

  it("refuses another token for the name of a joined host, until that host has left", async () => {
    const first = await joined(tokenFor("gpu-1"));
    assert.match(await refusal(tokenFor("gpu-1")), /^host 'gpu-1' is here, with another token/);
    await joined(tokenFor("gpu-2"));
    const answers = collect(pool, jobsFor(["c0"]));
    first.socket.disconnect();
    await answers; // it was the first host's
    await joined(tokenFor("gpu-1"));
  });

  it("refuses expired and revoked tokens and other clients' ranges, and counts none of them as a guess", async () => {
    const id = "f".repeat(16);
    revoked.add(id);
    for (let i = 0; i < 4; i++) {
      assert.match(await refusal(tokenFor("a", { expires: now - 1 })), /expired at 20.*Z: ask/);
      assert.match(await refusal(tokenFor("a", { id })), /was revoked/);
      assert.match(await refusal(tokenFor("a", { clients: [4, 9] })), /for clients c04-c09/);
    }
    await joined(tokenFor("a"));
    for (const line of log) assert.doesNotMatch(line, /fct1/);
  });

  it("dismisses a host whose token was revoked, from the next call on", async () => {
    const id = "e".repeat(16);
    const host = await joined(tokenFor("a", { id }));
    await pool.ready(never);
    revoked.add(id);
    assert.deepEqual(codes(await collect(pool, jobsFor(["c0"]))), { c0: "HOST_LOST" });
    const end = await host.next();
    assert.ok(end.type === "trialEnd" && end.reason.includes("its token was revoked"));
  });
});
