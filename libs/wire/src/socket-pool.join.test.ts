import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import { UserError } from "@fedclair/core";
import { exitCodes } from "@fedclair/core/internal";
import { io, type Socket } from "socket.io-client";
import { encodeReady, encodeUpdate } from "./codec/host-message.js";
import { decodeReply } from "./codec/reply.js";
import { maxTrialBytes, protocolVersion } from "./codec/protocol.js";
import type { SocketPoolOptions } from "./socket-pool-options.js";
import type { SocketPool } from "./socket-pool.js";
import { listenFor, never, updateOf } from "../testing/pools.js";
import { outcome, RawHost } from "../testing/raw-host.js";

describe("SocketPool, joining", () => {
  let pool: SocketPool;
  const hosts: RawHost[] = [];

  const open = async (count: number, options: Partial<SocketPoolOptions> = {}) => {
    pool = await listenFor(count, options);
  };
  const connect = async () => {
    const host = await RawHost.connect(pool.url);
    hosts.push(host);
    return host;
  };
  const joined = async (capacity = 4) => {
    const host = await connect();
    await host.joinReady({ capacity });
    return host;
  };
  const send = async (host: RawHost, bytes: Uint8Array) => outcome(await host.channel.send(bytes));

  afterEach(async () => {
    for (const host of hosts.splice(0)) host.socket.disconnect();
    await pool.close();
  });

  it("welcomes a host with the trial and the limits", async () => {
    await open(1, { chunkBytes: 7000, maxMessageBytes: 9000, softwareVersion: "1.2.3" });
    assert.deepEqual(await (await connect()).join(), {
      type: "welcome",
      trialJson: '{"name":"test"}',
      backend: "none",
      chunkBytes: 7000,
      maxMessageBytes: 9000,
      softwareVersion: "1.2.3",
    });
  });

  it("warns of a host of another release that simulates clients, and remembers the release", async () => {
    const warnings: string[] = [];
    await open(2, {
      softwareVersion: "1.2.3",
      external: new Set(["c1"]),
      log: (line, level) => {
        if (level === "warn") warnings.push(line);
      },
    });
    await (await connect()).join({ softwareVersion: "1.2.3" });
    await (await connect()).join({ softwareVersion: "python-0.9", external: true });
    assert.deepEqual([warnings, pool.otherReleases], [[], []]);
    await (await connect()).join({ softwareVersion: "1.2.2" });
    assert.match(warnings.join(), /^a host has release 1\.2\.2, and this coordinator 1\.2\.3: its/);
    assert.deepEqual(pool.otherReleases, ["1.2.2"]);
  });

  it("accepts a trial up to its limit, and rejects a longer one", async () => {
    const trialJson = JSON.stringify("y".repeat(maxTrialBytes - '""'.length));
    await open(1, { trialJson });
    const reply = await (await connect()).join();
    assert.ok(reply.type === "welcome" && reply.trialJson === trialJson);
    await assert.rejects(listenFor(1, { trialJson: `${trialJson} ` }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(
        error.message,
        /^the trial takes 16777217 bytes as JSON, and .* at most 16777216: let the/,
      );
      return true;
    });
  });

  it("refuses another protocol version, a wrong token, no capacity, another backend", async () => {
    await open(1, { tokens: { secret: "secret" }, backend: "wasm" });
    const good = { token: "secret", backends: ["wasm"] };
    const cases = [
      [{ protocolVersion: protocolVersion + 1 }, "PROTOCOL_VERSION"],
      [{ token: "secre" }, "BAD_TOKEN"],
      [{ token: "" }, "BAD_TOKEN"],
      [{ capacity: 0 }, "MALFORMED"],
      [{ backends: ["cpu"] }, "BACKEND_MISMATCH"],
    ] as const;
    for (const [changes, expected] of cases) {
      const host = await connect();
      const ended = new Promise<unknown>((resolve) => host.socket.once("disconnect", resolve));
      assert.equal(outcome(await host.join({ ...good, ...changes })), expected);
      await ended; // its connection is closed
    }
    const host = await connect();
    assert.equal(outcome(await host.join(good)), "welcome");
    assert.equal(outcome(await host.join(good)), "DUPLICATE");
    assert.ok(host.socket.connected);
  });

  it("refuses a host whose own clients do not contaminate their data as the trial says", async () => {
    const contaminations = ["label-flip", "trigger"];
    await open(2, { external: new Set(["c1"]), contaminations });
    const join = async (changes: object) => await (await connect()).join(changes);
    const refused = await join({ external: true, contaminations: ["label-flip", "label-noise"] });
    assert.ok(refused.type === "failure");
    assert.equal(refused.failure.code, "PLUGIN_MISMATCH");
    assert.match(
      refused.failure.message,
      /external clients by 'trigger', and the clients of this host honour 'label-flip', 'label-noise'/,
    );
    const silent = await join({ external: true });
    assert.match(
      silent.type === "failure" ? silent.failure.message : "",
      /by 'label-flip' and 'trigger', .* honour no attack on data: /,
    );
    assert.equal(outcome(await join({ external: true, contaminations })), "welcome");
    assert.equal(outcome(await join({})), "welcome"); // it simulates, and knows them all
  });

  it("refuses a host that lacks a plug-in of the trial, or has another version or code of it", async () => {
    const mine = {
      kind: "task",
      name: "mine",
      version: "1.0.0",
      hash: "0123456789abcdef",
    } as const;
    await open(1, { plugins: [mine] });
    const cases = [
      [[], "the host has none of that name"],
      [[{ ...mine, kind: "attack" }], "the host has none of that name"],
      [[{ ...mine, version: "1.0.1" }], "the host has version 1.0.1 (code 0123456789abcdef)"],
      [[{ ...mine, hash: "f".repeat(16) }], "the host has version 1.0.0 (code ffffffffffffffff)"],
    ] as const;
    for (const [plugins, reason] of cases) {
      assert.deepEqual(await (await connect()).join({ plugins, backends: ["cpu"] }), {
        type: "failure",
        failure: {
          code: "PLUGIN_MISMATCH",
          message: `the trial's task 'mine' is version 1.0.0 (code 0123456789abcdef), ${reason}: start the host with --plugin and the same module`,
        },
      });
    }
    const others = { ...mine, name: "other" };
    const host = await connect();
    assert.equal(
      outcome(await host.join({ plugins: [others, mine], backends: ["wasm"] })),
      "welcome",
    );
  });

  it("requires the backend of the first host from later ones, unless one is configured", async () => {
    await open(2);
    await (await connect()).join({ backends: ["wasm"] });
    assert.equal(outcome(await (await connect()).join({ backends: ["cpu"] })), "BACKEND_MISMATCH");
  });

  it("tells a host with several backends which one to use", async () => {
    await open(1, { backend: "tensorflow" });
    const reply = await (await connect()).join({ backends: ["wasm", "tensorflow"] });
    assert.equal(reply.type === "welcome" && reply.backend, "tensorflow");
    const lacking = await (await connect()).join({ backends: ["wasm", "cpu"] });
    assert.deepEqual(lacking, {
      type: "failure",
      failure: {
        code: "BACKEND_MISMATCH",
        message:
          "the host computes with 'wasm' or 'cpu', the trial with 'tensorflow': results would not repeat; " +
          "start the host with --backend tensorflow, or the coordinator with --backend wasm",
      },
    });
  });

  it("requires of a host with its own clients no plug-in, but the backend of others of its kind", async () => {
    const mine = { kind: "task", name: "mine", version: "", hash: "0123456789abcdef" } as const;
    await open(3, { plugins: [mine], external: new Set(["c2"]) });
    const simulating = { backends: ["wasm"], plugins: [mine] };
    const bringing = { backends: ["numpy"], external: true };
    assert.equal(outcome(await (await connect()).join(bringing)), "welcome");
    assert.equal(pool.backend, "numpy");
    assert.equal(outcome(await (await connect()).join(simulating)), "welcome");
    assert.equal(pool.backend, "wasm and numpy");
    const other = await (await connect()).join({ ...bringing, backends: ["torch"] });
    assert.ok(other.type === "failure");
    assert.deepEqual(
      [other.failure.code, other.failure.message],
      [
        "BACKEND_MISMATCH",
        "the host computes with 'torch', the others that bring clients of their own with 'numpy': results would not repeat; choose the same backend",
      ],
    );
  });

  it("ignores the backend of hosts for which there are no clients", async () => {
    await open(1, { external: new Set(["c0"]) });
    await (await connect()).join({ backends: ["wasm"] });
    await (await connect()).join({ backends: ["numpy"], external: true });
    assert.equal(pool.backend, "numpy");
  });

  it("lets the next host of a kind choose the backend if the last of that kind left before any work", async () => {
    let lost: () => void = () => undefined;
    const left = new Promise<void>((resolve) => (lost = resolve));
    const log = (line: string) => {
      if (line.startsWith("lost")) lost();
    };
    await open(2, { external: new Set(["c1"]), log });
    await (await connect()).join({ backends: ["wasm"] });
    const first = await connect();
    await first.join({ backends: ["torch"], external: true });
    assert.equal(pool.backend, "wasm and torch");
    first.socket.disconnect();
    await left;
    const next = await (await connect()).join({ backends: ["numpy"], external: true });
    assert.equal(outcome(next), "welcome");
    assert.equal(pool.backend, "wasm and numpy");
  });

  it("reports which clients have no place yet, simulated and external ones", async () => {
    await open(4, { external: new Set(["c2", "c3"]) });
    await joined(1);
    const soon = new AbortController();
    soon.abort(new DOMException("", "TimeoutError"));
    await assert.rejects(
      pool.ready(soon.signal),
      /^UserError: joined hosts hold 1 of 4 clients; without a place are 1 simulated and 2 that hosts of their own bring: start more hosts/,
    );
  });

  it("lets the next host choose the backend if the first left before any work", async () => {
    let lost: () => void = () => undefined;
    const left = new Promise<void>((resolve) => (lost = resolve));
    const log = (line: string) => {
      if (line.startsWith("lost a host")) lost();
    };
    await open(1, { log });
    const first = await connect();
    await first.join({ backends: ["wasm"] });
    first.socket.disconnect();
    await left;
    assert.equal(outcome(await (await connect()).join({ backends: ["cpu"] })), "welcome");
  });

  it("does not let a refused host decide on the backend", async () => {
    await open(1, { tokens: { secret: "secret" } });
    await (await connect()).join({ backends: ["cpu"] });
    const reply = await (await connect()).join({ backends: ["wasm"], token: "secret" });
    assert.equal(reply.type, "welcome");
  });

  it("listens beyond this machine only with a token", async () => {
    await assert.rejects(listenFor(1, { host: "0.0.0.0" }), UserError);
    await open(1, { host: "0.0.0.0", tokens: { secret: "secret" }, insecure: true });
  });

  it("reports an address that it cannot listen on", async () => {
    await open(1);
    const port = Number(new URL(pool.url).port);
    await assert.rejects(listenFor(1, { port }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}: EADDRINUSE`));
      return true;
    });
  });

  it("answers plain HTTP, itself or with the given server", async () => {
    await open(1);
    assert.equal((await fetch(pool.url)).status, 404);
    await pool.close();
    await open(1, { server: createServer((_, response) => response.end("dashboard")) });
    assert.equal(await (await fetch(pool.url)).text(), "dashboard");
  });

  it("does not let a web page connect", async () => {
    await open(1);
    const page = io(pool.url, {
      transports: ["websocket"],
      extraHeaders: { origin: "http://evil.example" },
      reconnection: false,
    });
    const error = await new Promise((resolve) => page.once("connect_error", resolve));
    assert.ok(error instanceof Error);
  });

  it("accepts a browser from its own page only: scheme, host and port", async () => {
    const answer = (_: string, __: unknown, response: ServerResponse) => response.end("page");
    const lines: string[] = [];
    await open(1, { page: { answer }, log: (line) => lines.push(line) });
    const own = pool.url;
    assert.equal(pool.pageOrigin, own);
    assert.equal(await (await fetch(`${own}/`)).text(), "page");
    const connects = async (origin: string) => {
      const socket = io(own, {
        transports: ["websocket"],
        extraHeaders: { origin },
        reconnection: false,
        forceNew: true,
      });
      const connected = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => {
          resolve(true);
        });
        socket.once("connect_error", () => {
          resolve(false);
        });
      });
      socket.disconnect();
      return connected;
    };
    assert.equal(await connects(own), true);
    const { port } = new URL(own);
    const foreign = [
      `https://127.0.0.1:${port}`,
      `http://localhost:${port}`,
      "null",
      `${own}.evil`,
    ];
    for (const origin of [...foreign, "http://127.0.0.1", "http://127.0.0.1:1", `${own}/`, ""]) {
      assert.equal(await connects(origin), false, origin);
    }
    assert.equal(await connects(""), false);
    const refusals = lines.filter((line) => line.includes("''") && line.includes(own));
    assert.equal(refusals.length, 1, lines.join("\n"));
    assert.match(refusals[0] ?? "", /^refused a page of '': tabs join only from .*--join-page/);
  });

  it("is ready when prepared hosts have room for every client", async () => {
    await open(3);
    let ready = false;
    const waiting = pool.ready(never).then(() => (ready = true));
    await joined(2);
    const second = await connect();
    await second.join({ capacity: 1 });
    assert.equal(ready, false);
    await second.channel.send(encodeReady());
    await waiting;
  });

  it("reports how many clients are missing when the join time is over", async () => {
    await open(3);
    await joined(2);
    await assert.rejects(pool.ready(AbortSignal.timeout(1)), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.equal(error.exitCode, exitCodes.quorum);
      assert.match(error.message, /hold 2 of 3 clients/);
      return true;
    });
  });

  it("refuses results before a Join, and survives garbage", async () => {
    await open(1);
    assert.equal(await send(await connect(), encodeUpdate(1, updateOf("c0"))), "NOT_JOINED");
    assert.equal(await send(await connect(), Uint8Array.of(1, 2, 3)), "MALFORMED");
    const host = await joined();
    assert.equal(await send(host, Uint8Array.of(0xff, 0xff)), "MALFORMED");
    assert.deepEqual(
      [...pool.traffic.refused],
      [
        ["NOT_JOINED", 1],
        ["MALFORMED", 2],
      ],
    );
    assert.ok(host.socket.connected);
  });

  it("answers unknown events, with or without callbacks and bytes", async () => {
    await open(1);
    const { socket } = (await joined()) as unknown as { socket: Socket }; // which may send anything
    socket.emit("frame");
    socket.emit("frame", "text", 7, null);
    socket.emit("other", { deep: [1] });
    const reply: unknown = await socket.emitWithAck("other", 1);
    assert.equal(outcome(decodeReply(reply)), "MALFORMED");
    assert.deepEqual([...pool.traffic.refused], [["MALFORMED", 4]]);
  });
});
