import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { UserError } from "@fedclair/core";
import { connectHost, type NodeHostOptions } from "../connect-host.js";
import { attemptLimit } from "./rate-limit.js";
import { ConnectionGuard } from "./connection-guard.js";
import { listen } from "./listen.js";
import type { SocketPoolOptions } from "../socket-pool-options.js";
import type { SocketPool } from "../socket-pool.js";
import { createServer, tlsFault } from "./tls.js";
import { Authority, hasOpenssl } from "../../testing/authority.js";
import {
  codes,
  collect,
  jobsFor,
  listenFor,
  never,
  oneByOne,
  updateOf,
} from "../../testing/pools.js";

describe("TLS", () => {
  let ours: Authority;
  let others: Authority;
  let pool: SocketPool | undefined;
  const log: string[] = [];
  let logged: () => void = () => undefined;

  before(async function () {
    if (!(await hasOpenssl())) return this.skip();
    ours = await Authority.make("coordinator=127.0.0.1,localhost", "elsewhere=10.9.9.9", "gpu-1");
    others = await Authority.make("gpu-1");
  });
  afterEach(async () => {
    await pool?.close();
    pool = undefined;
    log.length = 0;
  });

  const open = async (options: Partial<SocketPoolOptions> = {}) => {
    pool = await listenFor(1, {
      tls: ours.of("coordinator"),
      log: (line) => {
        log.push(line);
        logged();
      },
      ...options,
    });
    return pool.url;
  };
  const says = async (pattern: RegExp) => {
    while (!log.some((line) => pattern.test(line)))
      await new Promise<void>((resolve) => (logged = resolve));
  };
  const host = (
    url: string,
    tls: NodeHostOptions["tls"] = {},
    changes: Partial<NodeHostOptions> = {},
  ) =>
    connectHost({
      url,
      tls,
      capacity: 1,
      backends: ["none"],
      softwareVersion: "test",
      onWelcome: () => Promise.resolve(),
      runJobs: oneByOne(({ id: jobId, clientId }) =>
        Promise.resolve({ jobId, clientId, update: updateOf(clientId) }),
      ),
      ...changes,
    });
  /** Fails at once instead of retrying for a minute. */
  const assertRefused = (ended: Promise<unknown>, message: RegExp) =>
    assert.rejects(ended, (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });

  it("begins a day ago, for hosts whose clocks are behind", () => {
    const { ca } = ours;
    for (const pem of [ca, ours.of("coordinator").cert, ours.of("gpu-1").cert]) {
      const begins = Date.parse(new X509Certificate(pem ?? "").validFrom);
      assert.ok(Math.abs(Date.now() - 86_400_000 - begins) < 600_000, new Date(begins).toString());
    }
  });

  it("carries a trial, to a name that the certificate contains", async () => {
    const url = await open();
    assert.match(url, /^https:\/\/127\.0\.0\.1:/);
    const ended = host(url.replace("127.0.0.1", "localhost"), { ca: ours.ca });
    assert.ok(pool);
    await pool.ready(never);
    assert.deepEqual(codes(await collect(pool, jobsFor(["c0"]))), { c0: "ok" });
    await pool.close();
    assert.equal((await ended).exitCode, 0);
  });

  it("ends a host that does not trust the coordinator at once, whatever the environment says", async () => {
    const disbelieved = /^https:\/\/127.*: its certificate is not believed \(.*give the authority/;
    const url = await open();
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      await assertRefused(host(url, { ca: others.ca }), disbelieved);
      await assertRefused(host(url), disbelieved);
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
    await pool?.close();
    const named = await open({ tls: ours.of("elsewhere") });
    await assertRefused(host(named, { ca: ours.ca }), /is not in the cert's list: 10\.9\.9\.9/);
    assert.ok(!log.some((line) => line.includes("joined")));
  });

  it("ends a host that uses https for a coordinator without TLS, and hints at the reverse", async () => {
    const plain = await open({ tls: undefined } as object);
    await assertRefused(
      host(plain.replace("http:", "https:")),
      /no TLS with it \(wrong version number\): does it expect http:\/\/\?/,
    );
    await pool?.close();
    const url = await open();
    const abort = new AbortController();
    const why = await new Promise<string>((resolve) => {
      const options = { onUnreachable: resolve, signal: abort.signal };
      void host(url.replace("https:", "http:"), undefined, options);
    });
    abort.abort();
    assert.match(why, /\(does it expect https:\/\/\?\)$/);
  });

  it("accepts only hosts with a certificate of its authority, if it has one", async () => {
    const url = await open({ tls: { ...ours.of("coordinator"), ca: ours.ca } });
    await assertRefused(host(url, { ca: ours.ca }), /it may expect a certificate of this host/);
    const abort = new AbortController();
    const why = await new Promise<string>((resolve) => {
      const options = { onUnreachable: resolve, signal: abort.signal };
      void host(url, { ca: ours.ca, ...others.of("gpu-1") }, options);
    });
    abort.abort();
    assert.match(why, /\(does it believe this host's certificate\?\)$/);
    await says(/^a TLS handshake failed: UNABLE_TO_VERIFY_LEAF_SIGNATURE$/);
    assert.ok(!log.some((line) => line.includes("joined")));
    const ended = host(url, { ca: ours.ca, ...ours.of("gpu-1") });
    await pool?.ready(never);
    await pool?.close();
    assert.equal((await ended).exitCode, 0);
  });

  it("rejects versions before 1.2", async () => {
    const { port } = new URL(await open());
    const old = connectTls({
      port: Number(port),
      host: "127.0.0.1",
      ca: ours.ca,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    const [error] = (await once(old, "error")) as [Error];
    assert.match(error.message, /alert protocol version/);
    await says(/^a TLS handshake failed: ERR_SSL_UNSUPPORTED_PROTOCOL$/);
  });

  it("cuts a connection whose handshake stalls, but not a joined host", async () => {
    const server = createServer(() => undefined, ours.of("coordinator"));
    const guard = new ConnectionGuard(
      server,
      { connections: 10, strangers: 5, attempts: attemptLimit },
      100,
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const silent = connect(port, "127.0.0.1");
    const half = connect(port, "127.0.0.1");
    half.write(Uint8Array.of(22, 3, 1, 2, 0)); // the head of a ClientHello
    const encrypted = once(server, "secureConnection");
    const joined = connectTls({ port, host: "127.0.0.1", ca: ours.ca });
    for (const socket of [silent, half, joined]) socket.on("error", () => undefined);
    const [near] = (await encrypted) as Parameters<ConnectionGuard["markJoined"]>;
    guard.markJoined(near);
    await Promise.all([once(silent, "close"), once(half, "close")]);
    assert.ok(!joined.destroyed);
    const left = once(joined, "close");
    guard.close();
    await left;
    server.close();
    await once(server, "close");
  });

  it("of a listener determines the scheme of its URL", async () => {
    const server = createServer(() => undefined, ours.of("coordinator"));
    const listener = await listen("127.0.0.1", 0, 1000, server);
    assert.match(listener.url, /^https:/);
    await listener.close();
  });
});

describe("tlsFault", () => {
  it("advises to check the clock, which decides when a certificate is valid", () => {
    for (const code of ["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"]) {
      const fault = tlsFault(Object.assign(new Error("certificate is not yet valid"), { code }));
      const expected =
        /^its certificate is not believed \(certificate is not yet valid\): check the clock of this machine, which says \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, or ask for a new certificate$/;
      assert.match(fault ?? "", expected);
    }
  });
});
