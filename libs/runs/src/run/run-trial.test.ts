import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeSafetensors,
  UserError,
  type Aggregator,
  type Plugin,
  type Task,
  type TaskPlugin,
} from "@fedclair/core";
import { ClientRunner, exitCodes, MemoryPool, type ClientPool } from "@fedclair/core/internal";
import { prepare, toyPlugins, toyTrial } from "@fedclair/core/testing";
import { listRunFaults } from "../measures/exit-faults.js";
import { readRun } from "./read-run.js";
import { recordTrial } from "./record-trial.js";
import { startArms } from "./run-trial.js";
import type { ArmRecord } from "../measures/arm-record.js";
import { readLines } from "../store/lines.js";
import type { ArmTiming } from "../store/arm-timing.js";
import { summarise } from "../measures/summary.js";
import { SharedRoundPool } from "./shared-round-pool.js";

const trial = toyTrial({
  clients: 6,
  cohort: { count: 4 },
  baselines: [
    { label: "again", aggregator: { name: "toy-mean" } },
    { label: "oracle", aggregator: { name: "toy-mean" }, clients: "benign" },
  ],
  attacks: [
    { attack: { name: "toy-shift" }, clients: ["c01"] },
    { attack: { name: "toy-forger" }, clients: ["c02"] },
  ],
});

const backend = () => "none";
const admitAll = () => undefined;

/** Records which clients are really asked. */
function counting(asked: string[]): ClientPool {
  const inner = new MemoryPool(new ClientRunner(prepare(trial, toyPlugins)));
  return {
    ready: () => inner.ready(),
    close: () => inner.close(),
    ask: (jobs, admit, signal) => {
      asked.push(...jobs.map(({ kind, round, clientId }) => `${kind} ${round} ${clientId}`));
      return inner.ask(jobs, admit, signal);
    },
  };
}

describe("startArms", () => {
  it("throws the signal's reason if it aborts while the task starts", async () => {
    const stopping = new AbortController();
    const start = () => {
      stopping.abort(new Error("enough"));
      return Promise.reject(new Error("no answer"));
    };
    const begun = startArms(prepare(trial, toyPlugins), counting([]), stopping.signal, { start });
    await assert.rejects(begun, /^Error: enough$/);
  });
});

describe("recordTrial", () => {
  let out: string;
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(() => rm(out, { recursive: true }));

  it("runs every arm with each round on disk before the next, and returns the summary", async () => {
    const asked: string[] = [];
    const onDisk: string[] = [];
    const summary = await recordTrial({
      prepared: prepare(trial, toyPlugins),
      pool: counting(asked),
      out,
      backend: () => "wasm",
      signal: new AbortController().signal,
      onEvent: ({ arm, event }) => {
        if (event.kind === "round") onDisk.push(arm.label);
      },
    });
    const records = await readLines<ArmRecord>(out, "records.jsonl");
    assert.deepEqual(
      records.map(({ arm, round }) => [arm, round]),
      [
        ["toy-mean", 1],
        ["toy-mean", 2],
        ["again", 1],
        ["again", 2],
        ["oracle", 1],
        ["oracle", 2],
      ],
    );
    assert.deepEqual(
      onDisk,
      records.map(({ arm }) => arm),
    );
    assert.deepEqual(summary.arms, ["toy-mean", "again", "oracle"]);
    assert.equal(summary.measures["distance.gainOver.again"], 0);
    const { chain } = (await readLines<ArmTiming>(out, "timings.jsonl")).at(-1) ?? {};
    assert.deepEqual(summary, { ...summarise(trial, {}, records), backend: "wasm", chain });
    assert.deepEqual(JSON.parse(await readFile(join(out, "summary.json"), "utf8")), summary);
    const { params } = decodeSafetensors(await readFile(join(out, "params.safetensors")));
    assert.deepEqual([...params.keys()], ["global/dense", "global/pair"]);
  });

  it("stores the notices of the trial, and what guessing reaches", async () => {
    const toy = toyPlugins.tasks.get("toy") ?? assert.fail("no toy");
    const task: TaskPlugin = {
      ...toy,
      create: (options: never) => ({
        ...(toy.create(options) as Task),
        notice: () => "two lines\nof a task",
        guessing: () => ({ accuracy: 0.5 }),
      }),
    };
    const heard: string[] = [];
    const attacks = [{ attack: { name: "toy-shift" }, count: 4 }];
    const { notices, guessing } = await recordTrial({
      prepared: prepare({ ...trial, attacks }, { ...toyPlugins, tasks: new Map([["toy", task]]) }),
      pool: counting([]),
      out,
      backend,
      signal: new AbortController().signal,
      onNotice: (text) => heard.push(text),
    });
    assert.match(notices?.[0] ?? "", /^attacks: 4 of 6 clients are contaminated/);
    assert.deepEqual(notices?.slice(1), ["two lines", "of a task"]);
    assert.deepEqual(heard, notices);
    assert.deepEqual(guessing, { accuracy: 0.5 });
    assert.deepEqual((await readRun(out)).summary.notices, notices);
  });

  it("stores why a backend was chosen if the clients train with it", async () => {
    const chosen = { name: "wasm", why: "as asked for" };
    const reasons: unknown[] = [];
    for (const trainedWith of ["wasm", "wasm and python-numpy"]) {
      const folder = join(out, trainedWith);
      await recordTrial({
        prepared: prepare(trial, toyPlugins),
        pool: counting([]),
        out: folder,
        backend: () => trainedWith,
        chosen,
        signal: new AbortController().signal,
      });
      const { summary, backendReason } = await readRun(folder);
      reasons.push([summary.backend, backendReason]);
    }
    assert.deepEqual(reasons, [
      ["wasm", "as asked for"],
      ["wasm and python-numpy", undefined],
    ]);
  });

  it("collects the first round once, and pairs the arms", async () => {
    const asked: string[] = [];
    const signal = new AbortController().signal;
    await recordTrial({
      prepared: prepare(trial, toyPlugins),
      pool: counting(asked),
      out,
      signal,
      backend,
    });
    const of = (kind: string, round: number) =>
      asked.filter((a) => a.startsWith(`${kind} ${round}`)).length;
    const records = await readLines<ArmRecord>(out, "records.jsonl");
    const oracle = records
      .filter(({ arm }) => arm === "oracle")
      .map(({ clients }) => clients.length);
    assert.equal(of("train", 1), 4);
    assert.equal(of("train", 2), 4 + 4 + Number(oracle[1]));
    const [first, , again] = records;
    assert.deepEqual({ ...again, arm: "" }, { ...first, arm: "" });
  });
});

describe("recordTrial, if a baseline breaks", () => {
  let out: string;
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(() => rm(out, { recursive: true }));

  it("completes the other arms, reports the reason, and writes the params", async () => {
    const inner = counting([]);
    let arm = 0;
    const pool: ClientPool = {
      ...inner,
      async *ask(jobs, admit, signal) {
        const [job] = jobs;
        // the first baseline's round
        if (job?.kind === "train" && job.round === 2 && arm++ === 1) return;
        yield* inner.ask(jobs, admit, signal);
      },
    };
    const signal = new AbortController().signal;
    const summary = await recordTrial({
      prepared: prepare(trial, toyPlugins),
      pool,
      out,
      signal,
      backend,
    });
    assert.deepEqual(summary.arms, ["toy-mean", "oracle"]);
    assert.match(summary.stopped["again"] ?? "", /round 2: 0 of 4 clients were admitted/);
    const files = (await readdir(out)).sort();
    assert.deepEqual(files, [
      "activity.json",
      "params.safetensors",
      "records.jsonl",
      "run.json",
      "summary.json",
      "timings.jsonl",
      "trial.yaml",
    ]);
  });
});

describe("recordTrial, with timings", () => {
  it("writes timings next to the records, with the writing time in the following line", async () => {
    const out = await mkdtemp(join(tmpdir(), "fedclair-"));
    try {
      const signal = new AbortController().signal;
      const times = { encodeSeconds: 1, decodeSeconds: 2, workSeconds: 0, hostMemory: 3 };
      const traffic = { bytesSent: 5, bytesReceived: 6, ...times };
      const pool = counting([]);
      await recordTrial({
        prepared: prepare(trial, toyPlugins),
        pool,
        out,
        signal,
        backend,
        traffic,
      });
      const lines = await readLines<ArmTiming>(out, "timings.jsonl");
      const [first, ...later] = lines;
      assert.equal(first?.writeSeconds, 0);
      assert.ok(later.length > 0 && later.every(({ writeSeconds }) => writeSeconds > 0));
      for (const { seconds, wire } of lines) {
        assert.ok(seconds.sample >= 0 && seconds.sample <= seconds.train);
        assert.deepEqual(wire, traffic);
      }
      assert.doesNotMatch(await readFile(join(out, "records.jsonl"), "utf8"), /econds/);
    } finally {
      await rm(out, { recursive: true });
    }
  });
});

describe("recordTrial, if the main arm fails", () => {
  let out: string;
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(() => rm(out, { recursive: true }));

  it("completes the other arms and reports the reason", async () => {
    const working = toyPlugins.aggregators.get("toy-mean");
    assert.ok(working);
    const failing: Plugin<Aggregator> = {
      name: "fails",
      summary: "Fails in round 2.",
      schema: working.schema,
      create: () => {
        const inner = working.create({} as never);
        return {
          aggregate: (input) => {
            if (input.round === 2) throw new UserError("no fit");
            return inner.aggregate(input);
          },
        };
      },
    };
    const aggregators = new Map([...toyPlugins.aggregators, ["fails", failing]]);
    const failed = { ...trial, aggregator: { name: "fails" } };
    const summary = await recordTrial({
      prepared: prepare(failed, { ...toyPlugins, aggregators }),
      pool: counting([]),
      out,
      backend,
      signal: new AbortController().signal,
    });
    assert.deepEqual(summary.arms, ["again", "oracle"]);
    assert.match(summary.stopped["fails"] ?? "", /no fit$/);
    assert.equal(listRunFaults(failed, summary)[0]?.exitCode, exitCodes.stopped);
    const records = await readLines<ArmRecord>(out, "records.jsonl");
    assert.deepEqual(
      records.map(({ arm, round, stopped }) => [arm, round, stopped]),
      [
        ["fails", 1, undefined],
        ["fails", 2, "no fit"],
        ...["again", "oracle"].flatMap((arm) => [
          [arm, 1, undefined],
          [arm, 2, undefined],
        ]),
      ],
    );
  });
});

describe("recordTrial, if the data are not sufficient", () => {
  for (const [thrown, message] of [
    [new UserError("too few: lower `clients`"), /^trial\.yaml: too few: lower `clients`$/],
    [new TypeError("no list"), /^task few cannot serve 6 clients: .*no list/],
  ] as const) {
    it(`fails before any client is asked: ${thrown.name}`, async () => {
      const toy = toyPlugins.tasks.get("toy");
      assert.ok(toy);
      const few: TaskPlugin = {
        ...toy,
        name: "few",
        create: async (options) => ({
          ...(await toy.create(options)),
          checkClients: (clients) => {
            assert.equal(clients, 6);
            throw thrown;
          },
        }),
      };
      const out = await mkdtemp(join(tmpdir(), "fedclair-"));
      const asked: string[] = [];
      const recorded = recordTrial({
        prepared: prepare(
          { ...trial, task: { name: "few" } },
          { ...toyPlugins, tasks: new Map([["few", few]]) },
        ),
        pool: counting(asked),
        out,
        backend,
        signal: new AbortController().signal,
      });
      await assert.rejects(
        recorded,
        (error) => error instanceof UserError && message.test(error.message),
      );
      assert.deepEqual(asked, []);
      await rm(out, { recursive: true });
    });
  }
});

describe("SharedRoundPool", () => {
  it("gives every arm the first arm's first round, including missing answers", async () => {
    const asked: string[] = [];
    const inner = counting(asked);
    const pool = new SharedRoundPool({
      ...inner,
      async *ask(jobs, admit, signal) {
        for await (const answer of inner.ask(jobs, admit, signal)) {
          if (answer.clientId !== "c01") yield answer;
        }
      },
    });
    const common = {
      round: 1,
      phase: "train",
      kind: "train" as const,
      params: { base: new Map(), rounds: [] },
      clientIndex: 0,
      clientCount: 4,
      seed: 1,
      commonSeed: 2,
    };
    let lastJob = 0;
    const drain = async (clientIds: string[]) => {
      const jobs = clientIds.map((clientId) => ({ ...common, clientId, id: ++lastJob }));
      const ids: string[] = [];
      for await (const { clientId, jobId } of pool.ask(
        jobs,
        admitAll,
        new AbortController().signal,
      )) {
        assert.equal(jobs.find(({ id }) => id === jobId)?.clientId, clientId);
        ids.push(clientId);
      }
      return ids;
    };
    assert.deepEqual(await drain(["c00", "c01", "c03"]), ["c00", "c03"]);
    assert.deepEqual(await drain(["c01", "c03"]), ["c03"]);
    assert.deepEqual(asked, ["train 1 c00", "train 1 c01", "train 1 c03"]);
  });

  it("gives every arm its own copy of the updates", async () => {
    const data = Float64Array.of(1, 2);
    const update = {
      clientId: "c00",
      numExamples: 1,
      metrics: {},
      delta: new Map([["w", { shape: [2], data }]]),
    };
    const pool = new SharedRoundPool({
      ...counting([]),
      async *ask() {
        yield await Promise.resolve({ jobId: 1, clientId: "c00", update });
      },
    });
    const job = {
      id: 1,
      clientId: "c00",
      round: 1,
      phase: "train",
      kind: "train" as const,
      params: { base: new Map(), rounds: [] },
      clientIndex: 0,
      clientCount: 1,
      seed: 1,
      commonSeed: 2,
    };
    const values: number[] = [];
    for (let arm = 0; arm < 3; arm++) {
      for await (const answer of pool.ask([job], admitAll, new AbortController().signal)) {
        const tensor = "update" in answer && answer.update.delta.get("w");
        if (!tensor || !("data" in tensor)) return assert.fail();
        values.push(tensor.data[0] ?? NaN);
        tensor.data.fill(99);
      }
    }
    assert.deepEqual(values, [1, 1, 1]);
  });
});
