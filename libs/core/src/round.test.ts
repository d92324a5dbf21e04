import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import { ClientRunner } from "./client-runner.js";
import { clientIds } from "./clients.js";
import type { Aggregator, Answer, ClientPool, Task, Work } from "./contracts.js";
import { UserError } from "./errors.js";
import { MemoryPool } from "./memory-pool.js";
import type { Round, TrialState } from "./record.js";
import { runRounds, type RoundPlan } from "./round.js";
import { toyParams, toyPlugins, toyTrial } from "./testing/index.js";
import { createPlugin, type Trial } from "./trial.js";

function planOf(trial: Trial, changes: Partial<RoundPlan> = {}): RoundPlan {
  const runner = new ClientRunner(trial, toyPlugins);
  return {
    trial,
    clientIds: clientIds(trial.clients),
    contamination: runner.contamination,
    pool: new MemoryPool(runner),
    task: createPlugin(toyPlugins.tasks, trial.task),
    aggregator: createPlugin(toyPlugins.aggregators, trial.aggregator),
    rng: stream(trial.seed),
    signal: new AbortController().signal,
    ...changes,
  };
}

async function run(plan: RoundPlan): Promise<{ rounds: Round[]; state: TrialState }> {
  const rounds: Round[] = [];
  const running = runRounds(plan);
  for (;;) {
    const step = await running.next();
    if (step.done) return { rounds, state: step.value };
    rounds.push(step.value);
  }
}

describe("runRounds", () => {
  it("trains, averages, merges and measures", async () => {
    // Four clients hold 1, 2, 3 and 4 and step to them from 0: the mean is 2.5, where the second round's steps cancel.
    const { rounds, state } = await run(planOf(toyTrial()));
    assert.deepEqual([...(state.global.get("dense")?.data ?? [])], [2.5, 0]);
    assert.equal(rounds.length, 2);
    const first = rounds[0];
    assert.deepEqual(
      first?.record.clients.map(({ clientId, failure, evaluation }) => [
        clientId,
        failure,
        evaluation,
      ]),
      [
        ["c00", null, { distance: 1.5 }],
        ["c01", null, { distance: 0.5 }],
        ["c02", null, { distance: 0.5 }],
        ["c03", null, { distance: 1.5 }],
      ],
    );
    // Down 4 × (2·8 + 6·4), up 4 × (2·8 + 2·4 + 3·4) bytes.
    assert.deepEqual(first.record.bytes, { down: 160, up: 144 });
  });

  it("writes the same record whatever the order of arrival", async () => {
    const trial = toyTrial({ attacks: [{ attack: { name: "toy-forger" }, clients: ["c02"] }] });
    const reversed = (inner: ClientPool): ClientPool => ({
      ready: (signal) => inner.ready(signal),
      close: () => inner.close(),
      async *run(work, signal) {
        const all: Answer[] = [];
        for await (const arrival of inner.run(work, signal)) all.push(arrival);
        yield* all.reverse();
      },
    });
    const plan = planOf(trial);
    const runner = new ClientRunner(trial, toyPlugins);
    const pool = reversed(new MemoryPool(runner));
    const records = async (p: RoundPlan) =>
      JSON.stringify((await run(p)).rounds.map((r) => r.record));
    assert.equal(await records(planOf(trial, { pool })), await records(plan));
  });

  it("hides the truth from the aggregator and shows it in the record", async () => {
    const trial = toyTrial({ attacks: [{ attack: { name: "toy-shift" }, clients: ["c01"] }] });
    const seen: string[] = [];
    const spy: Aggregator = {
      aggregate: (input) => {
        seen.push(JSON.stringify(input));
        return Promise.resolve({ global: [] });
      },
    };
    const { rounds } = await run(planOf(trial, { aggregator: spy }));
    assert.deepEqual(
      rounds[0]?.record.clients.map((c) => c.attack),
      [null, "toy-shift", null, null],
    );
    assert.ok(seen.every((text) => !text.includes("shift")));
    // A contaminated client trains on its contaminated data (2 + 50) and does not measure.
    assert.equal(rounds[0].record.clients[1]?.numExamples, 52);
    assert.equal(rounds[0].record.clients[1].evaluation, undefined);
  });

  it("lets an omniscient attack see all honest updates and nothing else", async () => {
    const trial = toyTrial({ clients: 5, attacks: [{ attack: { name: "toy-forger" }, count: 2 }] });
    const { rounds } = await run(planOf(trial));
    const forged = rounds[0]?.record.clients.filter((c) => c.attack === "toy-forger");
    assert.deepEqual(
      forged?.map((c) => c.train?.["honest"]),
      [3, 3],
    );
  });

  it("leaves contaminated clients out for an oracle, with the same cohort else", async () => {
    const trial = toyTrial({
      clients: 30,
      cohort: { number: 10 },
      attacks: [{ attack: { name: "toy-shift" }, fraction: 0.5 }],
    });
    const all = await run(planOf(trial));
    const oracle = await run(planOf(trial, { benignOnly: true }));
    const ids = (rounds: Round[]) =>
      rounds.map(({ record }) => record.clients.filter((c) => !c.attack).map((c) => c.clientId));
    assert.deepEqual(ids(oracle.rounds), ids(all.rounds));
    assert.ok(all.rounds.every(({ record }) => record.clients.length === 10));
    assert.ok(oracle.rounds.every(({ record }) => record.clients.every((c) => c.attack === null)));
    assert.notDeepEqual(all.rounds[0]?.record.clients[0], all.rounds[1]?.record.clients[0]);
  });

  it("lets an oracle rest in a round whose cohort holds no benign client", async () => {
    const trial = toyTrial({
      rounds: 20,
      cohort: { number: 1 },
      attacks: [{ attack: { name: "toy-shift" }, count: 2 }],
    });
    const { rounds } = await run(planOf(trial, { benignOnly: true }));
    const sizes = rounds.map(({ record }) => record.clients.length);
    assert.equal(sizes.length, 20);
    assert.deepEqual([...new Set(sizes)].sort(), [0, 1]);
  });

  it("forges from what arrived when the deadline closed the round", async () => {
    const trial = toyTrial({
      rounds: 1,
      limits: { answerSeconds: 0.05, clientSeconds: 0.04 },
      attacks: [{ attack: { name: "toy-forger" }, clients: ["c00"] }],
    });
    const plan = planOf(trial);
    const stalled: ClientPool = {
      ready: () => Promise.resolve(),
      close: () => Promise.resolve(),
      async *run(work: Work, signal) {
        yield* plan.pool.run({ ...work, clientIds: work.clientIds.slice(0, 3) }, signal);
        await new Promise(() => undefined);
      },
    };
    const { rounds } = await run({ ...plan, pool: stalled });
    const clients = rounds[0]?.record.clients ?? [];
    assert.deepEqual(
      clients.map((c) => c.failure?.code ?? "ok"),
      ["ok", "ok", "ok", "LATE"],
    );
    assert.equal(clients[0]?.train?.["honest"], 2);
  });

  it("names the clients that failed, and goes on with a quorum", async () => {
    const trial = toyTrial({
      task: { name: "toy", faults: { 0: "nan", 3: "throw" } },
    });
    const { rounds } = await run(planOf(trial));
    const codes = rounds.map(({ record }) => record.clients.map((c) => c.failure?.code ?? "ok"));
    assert.deepEqual(codes, [
      ["NON_FINITE", "ok", "ok", "CLIENT_ERROR"],
      ["NON_FINITE", "ok", "ok", "CLIENT_ERROR"],
    ]);
  });

  it("names the clients that were to measure and did not", async () => {
    const trial = toyTrial({ rounds: 1 });
    const plan = planOf(trial);
    const inner = plan.pool;
    const deaf: ClientPool = {
      ready: (signal) => inner.ready(signal),
      close: () => inner.close(),
      async *run(work, signal) {
        for await (const arrival of inner.run(work, signal)) {
          if (work.kind === "train" || arrival.clientId !== "c02") yield arrival;
        }
      },
    };
    const { rounds } = await run({ ...plan, pool: deaf });
    const codes = rounds[0]?.record.clients.map((c) => c.evaluationFailure?.code ?? "ok");
    assert.deepEqual(codes, ["ok", "ok", "LATE", "ok"]);
  });

  it("ends with exit code 3 below the quorum, saying why", async () => {
    const faults = { 0: "nan", 1: "throw", 3: "shape" };
    await assert.rejects(run(planOf(toyTrial({ task: { name: "toy", faults } }))), (error) => {
      assert.ok(error instanceof UserError && error.exitCode === 3);
      assert.match(
        error.message,
        /round 1: 1 of 4 clients were admitted, limits.quorum = 0.5 needs 2/,
      );
      assert.match(error.message, /c01: CLIENT_ERROR \(the toy is broken\)/);
      return true;
    });
  });

  it("closes a round when progress stops, and calls the missing late", async () => {
    const trial = toyTrial({ limits: { answerSeconds: 0.05, clientSeconds: 0.04 } });
    const stalled: ClientPool = {
      ready: () => Promise.resolve(),
      close: () => Promise.resolve(),
      async *run(work: Work, signal) {
        const inner = new MemoryPool(new ClientRunner(trial, toyPlugins));
        yield* inner.run({ ...work, clientIds: work.clientIds.slice(0, 3) }, signal);
        await new Promise(() => undefined); // ignores the signal, too
      },
    };
    const { rounds } = await run(planOf(trial, { pool: stalled }));
    const codes = rounds[1]?.record.clients.map((c) => c.failure?.code ?? "ok");
    assert.deepEqual(codes, ["ok", "ok", "ok", "LATE"]);
  });

  it("stops at once on the signal", async () => {
    const trial = toyTrial({ rounds: 1000 });
    const stop = new AbortController();
    const running = runRounds(planOf(trial, { signal: stop.signal }));
    await running.next();
    stop.abort();
    await assert.rejects(running.next(), { name: "AbortError" });
  });

  it("keeps personal params apart from the global ones", async () => {
    const increment = (x: number) => [
      new Map([["dense", { shape: [2], data: Float64Array.of(x, x) }]]),
    ];
    const aggregator: Aggregator = {
      aggregate: () =>
        Promise.resolve({ global: increment(1), personal: new Map([["c01", increment(10)]]) }),
    };
    const { state } = await run(planOf(toyTrial(), { aggregator }));
    assert.equal(state.global.get("dense")?.data[0], 2);
    assert.deepEqual([...state.personal.keys()], ["c01"]);
    assert.equal(state.personal.get("c01")?.get("dense")?.data[0], 20);
  });

  it("lets a task choose the next phase, the global params and the end", async () => {
    const phases: string[] = [];
    const task: Task = {
      ...createPlugin(toyPlugins.tasks, { name: "toy", faults: {} }),
      reduce: ({ round, phase }) => {
        phases.push(phase);
        return Promise.resolve({
          phase: "second",
          global: toyParams(round),
          done: round === 3,
          metrics: { square: round * round },
        });
      },
    };
    const { rounds, state } = await run(planOf(toyTrial({ rounds: 9 }), { task }));
    assert.deepEqual(phases, ["train", "second", "second"]);
    assert.deepEqual(state.global, toyParams(3));
    assert.deepEqual(
      rounds.map(({ record }) => record.metrics),
      [{ square: 1 }, { square: 4 }, { square: 9 }],
    );
  });

  it("lets a task choose who takes part, from the first round on", async () => {
    const task: Task = {
      ...createPlugin(toyPlugins.tasks, { name: "toy", faults: {} }),
      start: (ids) => ({ phase: "first", clients: ids.slice(0, 1) }),
      reduce: ({ round }) =>
        Promise.resolve({ phase: "later", ...(round === 1 && { clients: ["c01", "c03"] }) }),
    };
    const { rounds } = await run(planOf(toyTrial({ rounds: 3 }), { task }));
    assert.deepEqual(
      rounds.map(({ record }) => [record.phase, ...record.clients.map((c) => c.clientId)]),
      [
        ["first", "c00"],
        ["later", "c01", "c03"],
        ["later", "c00", "c01", "c02", "c03"],
      ],
    );
  });

  it("lets a task present other updates to the aggregator, and overrule what it made of them", async () => {
    const seen: string[][] = [];
    const aggregator: Aggregator = {
      aggregate: ({ updates }) => {
        seen.push(updates.map(({ clientId }) => clientId));
        // In a space of its own: the params have no such module.
        const modules = new Map([["statistic", { shape: [1], data: Float64Array.of(7) }]]);
        return Promise.resolve({ global: [modules], personal: new Map([["c00", [modules]]]) });
      },
    };
    const task: Task = {
      ...createPlugin(toyPlugins.tasks, { name: "toy", faults: {} }),
      present: ({ round, updates }) => (round === 1 ? undefined : updates.slice(1)),
      reduce: ({ round, updates }, aggregate) =>
        Promise.resolve({
          global: toyParams(round),
          verdicts: updates.map(({ clientId }) => ({
            ...{ clientId, status: "contaminated", score: 2, threshold: 1 },
          })),
          artifacts: { aggregate: aggregate.global.length },
        }),
      evaluate: (global) =>
        Promise.resolve({
          metrics: { at: global.get("dense")?.data[0] ?? NaN },
          artifacts: { seen: true },
        }),
    };
    const { rounds, state } = await run(planOf(toyTrial(), { task, aggregator }));
    assert.deepEqual(seen, [["c01", "c02", "c03"]]);
    assert.deepEqual(
      rounds.map(({ record, artifacts }) => [record.metrics, artifacts]),
      [
        [{ at: 1 }, { aggregate: 0, seen: true }],
        [{ at: 2 }, { aggregate: 1, seen: true }],
      ],
    );
    assert.ok(rounds[1]?.record.clients.every(({ verdict }) => verdict === "contaminated"));
    assert.deepEqual([state.global, state.personal.size], [toyParams(2), 0]);
  });

  it("hands contaminated data to the shard, with its options' defaults", async () => {
    const attacks = [
      { attack: { name: "toy-data", kind: "offset" }, clients: ["c01", "c02"] },
      { attack: { name: "toy-data", kind: "offset", options: { by: 5 } }, clients: ["c03"] },
    ];
    const { rounds } = await run(planOf(toyTrial({ rounds: 1, attacks })));
    assert.deepEqual(
      rounds[0]?.record.clients.map(({ attack, numExamples }) => [attack, numExamples]),
      [
        [null, 1],
        ["offset", 12],
        ["offset", 13],
        ["offset", 9],
      ],
    );
  });
});
