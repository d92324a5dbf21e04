import assert from "node:assert/strict";
import { readNumbers, isLowRank, tensorsOf, type Delta, type Update } from "@fedclair/core";
import type { ErrorCode } from "@fedclair/core/internal";
import {
  encodeCoordinatorMessage,
  type CoordinatorMessage,
} from "../src/codec/coordinator-message.js";
import { encodeFrame } from "../src/codec/frame.js";
import type { HostMessage } from "../src/codec/host-message.js";
import { refuse } from "../src/codec/reply.js";
import { defaultLimits, maxTogether, protocolVersion } from "../src/codec/protocol.js";
import { ScriptedCoordinator, type ScriptedConnection } from "./scripted-coordinator.js";

/** How a host ended. */
export interface HostEnd {
  readonly exitCode: number;
  /** Its output. */
  readonly text: string;
}

/**
 * Starts the host under test, with room for two clients, backend `none` and token `secret`. Its
 * clients act on the phase of a job: `throw` throws an error with the words "the client is broken";
 * `silent` does not answer for a minute; `pause` waits 0.5 s before the usual answer; `big` answers
 * with a module w of 100,000 numbers. The usual answer to training has 7 examples, module w with
 * the values in its params, module pair as the product of (1, 2) and (3, 4, 5) in float32, and a
 * metric index with the client's index. The answer to an evaluation has 3 examples and a metric
 * sum, the sum of the numbers in w.
 */
export type StartHost = (url: string) => {
  readonly ended: Promise<HostEnd>;
  /** Stops it if it has not ended. */
  stop(): void;
};

/** Settings that the hosts receive: a client is abandoned after 2 s. */
export const hostTrial = {
  name: "hosts",
  seed: 1,
  rounds: 1,
  clients: 4,
  task: { name: "external" },
  limits: { clientSeconds: 2 },
};

type JobMessage = Extract<CoordinatorMessage, { type: "clientJob" }>;

let lastJob = 0;
const jobOf = (changes: Partial<JobMessage> = {}): JobMessage => ({
  type: "clientJob",
  id: ++lastJob,
  clientId: "c01",
  round: 1,
  phase: "train",
  kind: "train",
  clientIndex: 1,
  clientCount: 4,
  seed: 5,
  commonSeed: 6,
  baseId: 1,
  rounds: [],
  ...changes,
});

const column = (...data: number[]) => ({ shape: [data.length, 1], data: Float64Array.from(data) });
const row = (...data: number[]) => ({ shape: [1, data.length], data: Float64Array.from(data) });

const baseOf = (id: number, ...w: number[]): CoordinatorMessage => ({
  type: "base",
  id,
  params: new Map([
    ["w", { shape: [w.length], data: Float64Array.from(w) }],
    ["m", { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
  ]),
});

const termOf = (...w: number[]): Delta =>
  new Map([["w", { shape: [w.length], data: Float64Array.from(w) }]]);

function updateIn(message: HostMessage): Update & { readonly jobId: number } {
  assert.equal(message.type, "clientUpdate", JSON.stringify(message));
  return { ...message.read(), jobId: message.jobId };
}

const numbersOf = ({ delta }: Update, name: string): number[] => {
  const change = delta.get(name);
  return change ? tensorsOf(change).flatMap((tensor) => [...readNumbers(tensor)]) : [];
};

function failureIn(message: HostMessage): [number, ErrorCode, string] {
  assert.equal(message.type, "clientFailed", JSON.stringify(message));
  return [message.jobId, message.failure.code, message.failure.message];
}

/**
 * Tests the behaviour required of every client host, in any language: the sessions of
 * docs/protocol.md.
 */
export function describeHost(
  name: string,
  start: StartHost,
  isThere: () => Promise<boolean> = () => Promise.resolve(true),
): void {
  describe(`${name} as a client host`, function () {
    let coordinator: ScriptedCoordinator;
    let host: ReturnType<StartHost> | undefined;

    before(async function () {
      this.timeout(600_000);
      if (!(await isThere())) this.skip();
    });
    afterEach(async () => {
      host?.stop();
      await host?.ended;
      host = undefined;
      await coordinator.close();
    });

    const listen = async (limits = {}) => {
      const json = JSON.stringify(hostTrial);
      coordinator = await ScriptedCoordinator.listen(json, { ...defaultLimits, ...limits });
    };
    const joined = async (limits = {}): Promise<ScriptedConnection> => {
      await listen(limits);
      host = start(coordinator.url);
      return await coordinator.host();
    };
    const works = async (connection: ScriptedConnection) => {
      assert.equal(await connection.send(baseOf(1, 1, 2)), "accepted");
      const job = jobOf();
      assert.equal(await connection.send(job), "accepted");
      assert.equal(updateIn(await connection.next()).jobId, job.id);
    };

    it("joins, gets ready, and ends with the trial's exit code", async () => {
      for (const exitCode of [0, 3]) {
        await listen();
        host = start(coordinator.url);
        const connection = await coordinator.connection();
        const { softwareVersion, instance, ...join } = (await connection.next()) as HostMessage & {
          softwareVersion?: string;
          instance?: string;
        };
        assert.match(softwareVersion ?? "", /^[\w.+-]{1,64}$/);
        assert.match(instance ?? "", /^[\w.+-]{16,64}$/);
        assert.deepEqual(join, {
          type: "join",
          protocolVersion,
          token: "secret",
          capacity: 2,
          backends: ["none"],
          plugins: [],
          contaminations: [],
          external: true,
        });
        assert.equal((await connection.next()).type, "ready");
        const end = { type: "trialEnd", reason: "that\nwas it", exitCode } as const;
        assert.equal(await connection.send(end), "accepted");
        const ended = await host.ended;
        assert.equal(ended.exitCode, exitCode, ended.text);
        if (exitCode === 0) await coordinator.close();
      }
    });

    for (const limits of [{ chunkBytes: 0 }, { maxMessageBytes: 2 ** 32 - 1 }])
      it(`ends with 2 if the coordinator asks for ${JSON.stringify(limits)}`, async () => {
        await listen(limits);
        host = start(coordinator.url);
        const ended = await host.ended;
        assert.equal(ended.exitCode, 2, ended.text);
        assert.match(ended.text, /bytes/);
      });

    for (const [code, exitCode] of [
      ["PROTOCOL_VERSION", 2],
      ["BAD_TOKEN", 2],
      ["BACKEND_MISMATCH", 2],
      ["MALFORMED", 2],
      ["TRIAL_ENDED", 0],
    ] as const) {
      it(`ends with ${exitCode} when it is refused with ${code}`, async () => {
        await listen();
        coordinator.answers = () => refuse({ code, message: `because of ${code}` });
        host = start(coordinator.url);
        const { exitCode: got, text } = await host.ended;
        assert.equal(got, exitCode, text);
        assert.match(text, new RegExp(`because of ${code}`));
      });
    }

    it("runs jobs in order, on the base plus the terms added to it", async () => {
      const connection = await joined();
      await connection.send(baseOf(1, 1, 2));
      await connection.send(baseOf(2, 10, 20));
      const pair: Delta = new Map([["m", { b: column(1, 1), a: row(1, 1) }]]);
      const jobs = [
        jobOf(),
        jobOf({ baseId: 2, clientIndex: 3, clientId: "c03" }),
        jobOf({ rounds: [[termOf(1, 1), termOf(0.5, 0)], [termOf(100, 200)], [pair]] }),
        jobOf({ kind: "evaluate", rounds: [[termOf(4, 4)]] }),
      ];
      for (const job of jobs) assert.equal(await connection.send(job), "accepted");
      const updates: ReturnType<typeof updateIn>[] = [];
      for (const { clientId, id } of jobs) {
        const update = updateIn(await connection.next());
        assert.deepEqual([update.clientId, update.jobId], [clientId, id]);
        updates.push(update);
      }
      assert.deepEqual(
        updates.map((update) => [update.numExamples, numbersOf(update, "w"), update.metrics]),
        [
          [7, [1, 2], { index: 1 }],
          [7, [10, 20], { index: 3 }],
          [7, [102.5, 203], { index: 1 }],
          [3, [], { sum: 11 }],
        ],
      );
      const change = updates[0]?.delta.get("pair");
      assert.ok(change && isLowRank(change) && readNumbers(change.b) instanceof Float32Array);
      assert.deepEqual(
        [change.b.shape, change.a.shape],
        [
          [2, 1],
          [1, 3],
        ],
      );
      assert.deepEqual(numbersOf(updates[0] as Update, "pair"), [1, 2, 3, 4, 5]);
    });

    it("sends and receives messages in pieces no longer than agreed", async () => {
      const chunkBytes = 100;
      const connection = await joined({ chunkBytes });
      const w = Array.from({ length: 1000 }, (_, i) => i / 3);
      assert.equal(await connection.send(baseOf(1, ...w)), "accepted");
      await connection.send(jobOf());
      assert.deepEqual(numbersOf(updateIn(await connection.next()), "w"), w);
      assert.ok(connection.longestFrame <= chunkBytes);
    });

    it("handles messages that travel together in their order, and replies to each", async () => {
      const connection = await joined();
      const job = jobOf();
      const messages = [baseOf(1, 1, 2), job, jobOf({ baseId: 9 })].map(encodeCoordinatorMessage);
      const nonsense = Uint8Array.of(255, 255, 255);
      assert.deepEqual(await connection.emitTogether([nonsense, ...messages, nonsense]), [
        "MALFORMED",
        "accepted",
        "accepted",
        "MALFORMED",
        "MALFORMED",
      ]);
      assert.equal(updateIn(await connection.next()).jobId, job.id);
      assert.deepEqual(await connection.emitTogether("text"), ["MALFORMED"]);
      const many = Array.from({ length: maxTogether + 1 }, () => nonsense);
      assert.deepEqual(await connection.emitTogether(many), ["MALFORMED"]);
      await works(connection);
    });

    it("refuses a message beyond the limit, and reports that its own is too long", async () => {
      const connection = await joined({ maxMessageBytes: 10_000 });
      const frame = { transfer: 1000, offset: 0, total: 10_001, payload: Uint8Array.of(1) };
      assert.equal(await connection.emit(encodeFrame(frame)), "OVERSIZE");
      await connection.send(baseOf(1, 1, 2));
      const job = jobOf({ phase: "big" });
      await connection.send(job);
      assert.deepEqual(failureIn(await connection.next()).slice(0, 2), [job.id, "OVERSIZE"]);
      await works(connection);
    });

    it("answers malformed messages, and continues", async () => {
      const connection = await joined();
      const frame = { transfer: 1000, offset: 5, total: 9, payload: Uint8Array.of(1) };
      // it does not continue any message
      assert.equal(await connection.emit(encodeFrame(frame)), "MALFORMED");
      assert.equal(
        await connection.emit(encodeFrame({ ...frame, offset: 0, total: 0 })),
        "MALFORMED",
      );
      const nonsense = Uint8Array.of(255, 255, 255);
      const whole = { transfer: 1001, offset: 0, total: 3, payload: nonsense };
      // it is not a valid message
      assert.equal(await connection.emit(encodeFrame(whole)), "MALFORMED");
      for (const argument of [nonsense, "text", 7, null, { a: 1 }]) {
        assert.equal(await connection.emit(argument), "MALFORMED");
      }
      assert.equal(await connection.emit(nonsense, "another-event"), "MALFORMED");
      await works(connection);
    });

    it("forgets the message that has waited longest when a ninth begins", async () => {
      const connection = await joined();
      const frame = (transfer: number, offset: number) =>
        connection.emit(encodeFrame({ transfer, offset, total: 9, payload: Uint8Array.of(1) }));
      for (let i = 0; i < 9; i++) assert.equal(await frame(1000 + i, 0), "accepted");
      assert.equal(await frame(1001, 1), "accepted");
      assert.equal(await frame(1000, 1), "MALFORMED");
    });

    it("keeps a base for the jobs that arrived, and forgets it for others", async () => {
      const connection = await joined();
      assert.equal(await connection.send(jobOf({ baseId: 9 })), "MALFORMED");
      await connection.send(baseOf(1, 1, 2));
      await connection.send(jobOf({ phase: "pause" }));
      await connection.send(jobOf());
      assert.equal(await connection.send({ type: "forgetBase", id: 1 }), "accepted");
      for (let i = 0; i < 2; i++) {
        assert.deepEqual(numbersOf(updateIn(await connection.next()), "w"), [1, 2]);
      }
      assert.equal(await connection.send(jobOf()), "MALFORMED");
      await works(connection);
    });

    it("refuses a job that does not fit its base", async () => {
      const connection = await joined();
      await connection.send(baseOf(1, 1, 2));
      const with_ = (delta: Delta) => connection.send(jobOf({ rounds: [[delta]] }));
      assert.equal(await with_(new Map([["other", column(1)]])), "WRONG_MODULES");
      assert.equal(await with_(termOf(1, 2, 3)), "WRONG_SHAPE");
      const unlike = { b: column(1, 2), a: { shape: [2, 2], data: new Float64Array(4) } };
      assert.equal(await with_(new Map([["m", unlike]])), "WRONG_SHAPE");
      await works(connection);
    });

    it("drops a job that ends before it starts, and the result of one that is running", async () => {
      const connection = await joined();
      await connection.send(baseOf(1, 1, 2));
      const [running, waiting, last] = [jobOf({ phase: "pause" }), jobOf(), jobOf()];
      for (const job of [running, waiting, last]) await connection.send(job);
      for (const { id } of [waiting, running]) {
        assert.equal(await connection.send({ type: "jobEnd", id }), "accepted");
      }
      assert.equal(updateIn(await connection.next()).jobId, last.id);
      // A job that does not exist.
      assert.equal(await connection.send({ type: "jobEnd", id: waiting.id }), "accepted");
      await works(connection);
    });

    it("reports a client that throws and one that does not answer, and runs the next job", async () => {
      const connection = await joined();
      await connection.send(baseOf(1, 1, 2));
      const [throws, silent] = [jobOf({ phase: "throw" }), jobOf({ phase: "silent" })];
      await connection.send(throws);
      const [id, code, text] = failureIn(await connection.next());
      assert.deepEqual([id, code], [throws.id, "CLIENT_ERROR"]);
      assert.match(text, /the client is broken/);
      await connection.send(silent);
      const timedOut = failureIn(await connection.next());
      assert.deepEqual(timedOut.slice(0, 2), [silent.id, "CLIENT_TIMEOUT"]);
      assert.match(timedOut[2], /no result after 2 s/);
      await works(connection);
    });

    for (const code of ["NON_FINITE", "STALE_ROUND", "DUPLICATE", "UNKNOWN_CLIENT"] as const) {
      it(`continues when its result is refused with ${code}`, async () => {
        const connection = await joined();
        const usual = coordinator.answers;
        coordinator.answers = () => refuse({ code, message: "not this one" });
        await connection.send(baseOf(1, 1, 2));
        await connection.send(jobOf());
        updateIn(await connection.next());
        coordinator.answers = usual;
        await works(connection);
      });
    }

    it("joins again as new after a broken connection", async () => {
      const first = await joined();
      await first.send(baseOf(1, 1, 2));
      await first.send(jobOf({ phase: "pause" }));
      await first.send(jobOf());
      await first.cut();
      const second = await coordinator.host();
      // the base was lost with the connection
      assert.equal(await second.send(jobOf()), "MALFORMED");
      await works(second); // and so were the jobs: the first answer is to its own
    });

    it("ends when the coordinator now runs another trial", async () => {
      const first = await joined();
      coordinator.answers = ({ type }) =>
        type === "join"
          ? {
              type: "welcome",
              trialJson: '{"task":{"name":"external"}}',
              backend: "none",
              softwareVersion: "",
              ...defaultLimits,
            }
          : { type: "accepted" };
      await first.cut();
      const { exitCode, text } = await (host as ReturnType<StartHost>).ended;
      assert.equal(exitCode, 2, text);
      assert.match(text, /runs another trial/);
    });
  });
}
