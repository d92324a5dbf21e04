import assert from "node:assert/strict";
import {
  admitUpdate,
  type Admit,
  bounds,
  failure,
  jsonBytes,
  type Answer,
  type Failure,
} from "@fedclair/core/internal";
import fc from "fast-check";
import protobuf from "protobufjs/minimal.js";
import { fedclair } from "#gen/fedclair.js";
import { decodeHostMessage } from "./codec/host-message.js";
import { OpenJobs } from "./assign/open-jobs.js";
import type { SocketPoolOptions } from "./socket-pool-options.js";
import type { SocketPool } from "./socket-pool.js";
import { hostileMessage } from "../testing/arbitraries.js";
import { collect, jobsFor, listenFor } from "../testing/pools.js";
import { outcome, RawHost } from "../testing/raw-host.js";
import { refuse } from "./codec/reply.js";
import { WireError } from "./codec/wire-error.js";

const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function assertText(text: string, maxBytes: number) {
  assert.ok(jsonBytes(text) - 2 <= maxBytes, `${text.length} characters`);
  assert.ok(!unprintable.test(text), JSON.stringify(text));
}

function assertName(name: string) {
  assertText(name, 4 * bounds.nameLength);
  assert.ok(Array.from(name).length <= bounds.nameLength);
}

const assertFailure = ({ message }: Failure) => {
  assertText(message, bounds.failureBytes);
};

function assertBounded(answer: Answer) {
  assertName(answer.clientId);
  if ("failure" in answer) {
    assertFailure(answer.failure);
    return;
  }
  const { delta, metrics } = answer.update;
  const names = Object.keys(metrics);
  assert.ok(names.length <= bounds.metrics);
  for (const name of [...names, ...delta.keys()]) assertName(name);
  assert.ok(Object.values(metrics).every(Number.isFinite));
}

/** Admits updates without modules only. */
const admitNothing: Admit = (update) => admitUpdate(update, new Map());

describe("a hostile host", () => {
  it("causes only bounded work at the coordinator, whatever it sends", async () => {
    const counts = new Map<string, number>();
    const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
    await fc.assert(
      fc.asyncProperty(hostileMessage, async (bytes) => {
        let message;
        try {
          message = decodeHostMessage(bytes);
        } catch (error) {
          assert.ok(error instanceof WireError);
          assertFailure(error.failure);
          count("refused");
          return;
        }
        count(message.type);
        if (message.type === "join" || message.type === "ready") return; // the join policy checks these
        assertName(message.clientId);
        const [job] = jobsFor([message.clientId]);
        assert.ok(job);
        const open = new OpenJobs([job], admitNothing);
        const refusal =
          message.type === "clientUpdate"
            ? open.answer(job, message.read)
            : open.fail(job, message.failure);
        if (refusal) assertFailure(refusal);
        for await (const answer of open.answers()) {
          assertBounded(answer);
          count("update" in answer ? "admitted" : "failed");
        }
      }),
      { numRuns: 1500 },
    );
    for (const what of ["refused", "join", "clientUpdate", "clientFailed", "admitted", "failed"]) {
      assert.ok((counts.get(what) ?? 0) > 10, `${what}: ${counts.get(what) ?? 0} times`);
    }
  });
});

describe("SocketPool, attacked", () => {
  let pool: SocketPool;
  const hosts: RawHost[] = [];
  const log: string[] = [];

  const open = async (options: Partial<SocketPoolOptions> = {}) => {
    pool = await listenFor(1, { log: (line) => log.push(line), ...options });
    return await connect();
  };
  const connect = async () => {
    const host = await RawHost.connect(pool.url);
    hosts.push(host);
    return host;
  };
  /** The pool's reply to a message about the one open job, and the result of the job. */
  const attack = async (message: Uint8Array, options: Partial<SocketPoolOptions> = {}) => {
    const host = await open(options);
    await host.joinReady();
    const answers = collect(pool, jobsFor(["c0"], { id: jobId }), admitNothing);
    while ((await host.next()).type !== "clientJob");
    const reply = await host.channel.send(message);
    const answer = (await answers).get("c0");
    assert.ok(answer);
    assertBounded(answer);
    return { reply, answer };
  };
  const jobId = 77;
  const encode = (body: fedclair.v1.HostMessage.$Properties) =>
    fedclair.v1.HostMessage.encode(body).finish();
  const measured = (names: string[]) => {
    const metrics = names.map((name, i) => ({ name, value: i }));
    return encode({ clientUpdate: { jobId, clientId: "c0", numExamples: 1, metrics } });
  };

  afterEach(async () => {
    for (const host of hosts.splice(0)) host.socket.disconnect();
    await pool.close();
    log.length = 0;
  });

  it("survives a metric with a name of 95 MB", async () => {
    const { reply, answer } = await attack(measured(["x".repeat(95e6)]), { chunkBytes: 50e6 });
    const message = `metric '${"x".repeat(77)}…': expected a name of at most 128 printable characters`;
    assert.deepEqual(reply, { type: "failure", failure: failure("MALFORMED", message) });
    assert.deepEqual(answer, { jobId, clientId: "c0", failure: failure("MALFORMED", message) });
  });

  it("accepts 256 metrics, and refuses 257 or a hundred thousand", async () => {
    const many = (length: number) => measured(Array.from({ length }, (_, i) => `m${i}`));
    const { answer } = await attack(many(256));
    assert.ok("update" in answer && Object.keys(answer.update.metrics).length === 256);
    for (const [count, message] of [
      [257, "257 metrics: at most 256 are allowed"],
      [100_000, "100000 metrics: at most 256 are allowed"],
    ] as const) {
      await pool.close();
      const { answer } = await attack(many(count));
      assert.deepEqual(answer, { jobId, clientId: "c0", failure: failure("MALFORMED", message) });
    }
  });

  it("cuts a failure text of 10 MB, and prints no newline", async () => {
    const text = `line\nforged: ${"x".repeat(1e7)}`;
    const failed = { jobId, clientId: "c0", failure: { code: 12, message: text } };
    const { reply, answer } = await attack(encode({ clientFailed: failed }));
    assert.equal(outcome(reply), "accepted");
    assert.deepEqual(answer, { jobId, clientId: "c0", failure: failure("CLIENT_ERROR", text) });
    assert.ok("failure" in answer && answer.failure.message.startsWith("line\\nforged: xxx"));
  });

  it("keeps memory bounded for a message that consists only of fields", async () => {
    const host = await open();
    await host.joinReady();
    // HostMessage.client_update with millions of empty metrics: as objects they would take fifty
    // times the bytes.
    const metrics = Uint8Array.from({ length: 1e7 }, (_, i) => (i % 2 ? 0 : 0x2a));
    const reply = await host.channel.send(
      protobuf.Writer.create().uint32(0x1a).bytes(metrics).finish(),
    );
    assert.equal(
      reply.type === "failure" && reply.failure.message,
      "more than 524288 fields in a message",
    );
  });

  it("does not let a host forge a line of the log", async () => {
    await open();
    const forged = "wasm\nERROR: all is lost\x1b[2J\u202e";
    const bad = [
      { backends: [forged] },
      { softwareVersion: forged },
      { backends: ["x".repeat(65)] },
      { softwareVersion: "x".repeat(60_000) },
      { backends: ["wasm", "two words"] },
      { backends: [] },
      { backends: Array.from({ length: 9 }, () => "wasm") },
      { plugins: [{ kind: "task", name: forged, version: "", hash: "" }] },
    ];
    for (const changes of bad) {
      assert.equal(outcome(await (await connect()).join(changes)), "MALFORMED");
    }
    const guessing = { token: "wrong", backends: [forged] };
    assert.equal(outcome(await (await connect()).join(guessing)), "BAD_TOKEN");
    const good = { backends: ["torch-2.1+cu118_x.y"], softwareVersion: "" };
    assert.equal(outcome(await (await connect()).join(good)), "welcome");
    assert.equal(log.length, 10);
    for (const line of log) assertText(line, 500);
    assert.equal(
      log[0],
      "refused a host (wasm\\nERROR: all is lost\\u{1b}[2J\\u{202e}, room for 4 clients, version test): " +
        "MALFORMED: backend 'wasm\\nERROR: all is lost\\u{1b}[2J\\u{202e}': expected at most 64 letters, digits and any of . _ + -",
    );
  });

  it("does not let a host refuse jobs with a code by which its clients were not lost", async () => {
    const host = await open();
    await host.joinReady();
    for (const [code, recorded] of [
      ["STRAGGLER", "MALFORMED"],
      ["TRIAL_ENDED", "MALFORMED"],
      ["CLIENT_ERROR", "CLIENT_ERROR"],
    ] as const) {
      host.reply = refuse({ code, message: "" });
      const answer = (await collect(pool, jobsFor(["c0"]), admitNothing)).get("c0");
      assert.ok(answer && "failure" in answer);
      assert.equal(answer.failure.code, recorded);
    }
  });

  it("remembers only a few releases of hosts that come and go", async () => {
    await open({ softwareVersion: "1" });
    for (let i = 0; i < 20; i++) {
      const host = await connect();
      assert.equal(outcome(await host.join({ softwareVersion: `2.${i}` })), "welcome");
      host.socket.disconnect();
    }
    assert.equal(pool.otherReleases.length, 16);
  });

  it("leaves other hosts their share, whatever capacity a host claims", async () => {
    const honest = await open({ clientIds: ["c0", "c1", "c2", "c3"] });
    await honest.joinReady({ capacity: 4 });
    await (await connect()).joinReady({ capacity: 4e9 });
    const over = new AbortController();
    const answers = collect(pool, jobsFor(["c0", "c1", "c2", "c3"]), admitNothing, over.signal);
    const asked: string[] = [];
    while (asked.length < 2) {
      const message = await honest.next();
      if (message.type === "clientJob") asked.push(message.clientId);
    }
    over.abort();
    await answers;
    assert.deepEqual(asked.sort(), ["c0", "c1"]);
  });

  for (const [what, packets] of [
    ["sends more arguments than a function takes", [`2["x"${",0".repeat(400_000)}]`]],
    ["asks on without waiting for replies", Array.from({ length: 2_000 }, (_, i) => `2${i}["x"]`)],
  ] as const) {
    it(`cuts off a host that ${what}, and outlives it`, async () => {
      const host = await open();
      await host.joinReady();
      const closed = new Promise<unknown>((resolve) => host.socket.once("disconnect", resolve));
      for (const packet of packets) host.socket.io.engine.write(packet);
      await closed;
      assert.equal(outcome(await (await connect()).join()), "welcome");
    });
  }

  it("refuses an invalid client name", async () => {
    const host = await open();
    await host.joinReady();
    for (const clientId of ["c0\n", "\u2028", "x".repeat(129)]) {
      const failed = { jobId, clientId, failure: { code: 12, message: "" } };
      assert.equal(outcome(await host.channel.send(encode({ clientFailed: failed }))), "MALFORMED");
    }
  });
});
