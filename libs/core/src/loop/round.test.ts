import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { stream } from "@fedclair/linalg";
import { z } from "zod";
import { resolveParams } from "../tensors/client-params.js";
import type { Aggregation, Aggregator } from "../contracts/aggregator.js";
import type { Answer, ClientPool, Job } from "../contracts/pool.js";
import type { Attack } from "../contracts/attack.js";
import type { Plugin } from "../contracts/plugin.js";
import type { Step, Task } from "../contracts/task.js";
import { scaleDelta } from "../tensors/update.js";
import { parseTrial } from "../trial/trial-file.js";
import { UserError } from "../words/errors.js";
import { planRounds, type RoundPlan } from "./round-plan.js";
import { runRounds, type RoundDone } from "./round.js";
import type { Update } from "../tensors/update.js";
import { oneHost, prepare, toyParams, toyPlugins, toyTrial } from "../../testing/index.js";
import { createToyTask } from "../../testing/toy.js";
import { startTrial, type TrialState } from "./trial-state.js";
import type { Trial } from "../trial/trial.js";

async function createPlan(trial: Trial, changes: Partial<RoundPlan> = {}): Promise<RoundPlan> {
  const prepared = prepare(trial, toyPlugins);
  const run = {
    task: await prepared.loadTask(),
    pool: await oneHost(trial, toyPlugins),
    signal: new AbortController().signal,
  };
  return { ...planRounds(prepared, prepared.arms[0], run), ...changes };
}

async function run(
  plan: RoundPlan,
  from?: TrialState,
): Promise<{ rounds: RoundDone[]; state: TrialState }> {
  const rounds: RoundDone[] = [];
  const { task, clientIds, rng } = plan;
  const running = runRounds(plan, from ?? (await startTrial(task, clientIds, rng)));
  for (;;) {
    const step = await running.next();
    if (step.done) return { rounds, state: step.value };
    if (step.value.kind === "round") rounds.push(step.value);
  }
}

describe("startTrial", () => {
  it("explains why a task cannot start", async () => {
    const start = (of: Task["start"]) =>
      startTrial({ ...createToyTask(), start: of }, [], stream(1));
    await assert.rejects(
      start(() => Promise.reject(new TypeError("no data"))),
      /^UserError: the task cannot start: TypeError: no data \(\/.*round\.test\.ts:\d+:\d+\)$/,
    );
    await assert.rejects(
      start(() => Promise.resolve({ params: {} as never })),
      /the task's start: expected \{ params \}, a Map of tensors by module/,
    );
    const params = new Map([["w", { shape: [2], data: Float64Array.of(1, NaN) }]]);
    await assert.rejects(
      start(() => Promise.resolve({ params })),
      new UserError("the task's start: params: module w, entry 1 is NaN"),
    );
  });
});

describe("runRounds", () => {
  it("trains, averages, merges and measures", async () => {
    // Four clients hold 1, 2, 3 and 4, and step to these values from 0. The mean is 2.5, where the
    // steps of the second round cancel.
    const { rounds, state } = await run(await createPlan(toyTrial()));
    assert.deepEqual([...(state.params.get("dense")?.data ?? [])], [2.5, 0]);
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

  it("writes the same record for any order of arrival", async () => {
    const trial = toyTrial({ attacks: [{ attack: { name: "toy-forger" }, clients: ["c02"] }] });
    const reversed = (inner: ClientPool): ClientPool => ({
      ready: (signal) => inner.ready(signal),
      close: () => inner.close(),
      async *ask(jobs, admit, signal) {
        const all: Answer[] = [];
        for await (const answer of inner.ask(jobs, admit, signal)) all.push(answer);
        yield* all.reverse();
      },
    });
    const plan = await createPlan(trial);
    const pool = reversed(await oneHost(trial, toyPlugins));
    const records = async (p: RoundPlan) =>
      JSON.stringify((await run(p)).rounds.map((r) => r.record));
    assert.equal(await records(await createPlan(trial, { pool })), await records(plan));
  });

  it("lets mods and attacks change updates of external clients as their host would", async () => {
    const noise: Plugin<Attack> = {
      name: "toy-noise",
      summary: "Adds a random number.",
      schema: z.strictObject({}),
      create: () => ({
        corruptUpdate: (own, rng) => ({ ...own, delta: scaleDelta(own.delta, rng.uniform()) }),
      }),
    };
    const attacks = new Map([...toyPlugins.attacks, [noise.name, noise] as const]);
    const plugins = { ...toyPlugins, attacks };
    const trial = toyTrial();
    const attacked = parseTrial(
      JSON.stringify({
        ...trial,
        attacks: [{ attack: { name: "toy-noise" }, clients: ["c02"] }],
        mods: [{ name: "toy-half" }, { name: "toy-whole" }],
      }),
      "t.yaml",
      plugins,
    );
    const prepared = prepare(attacked, plugins);
    const task = await prepared.loadTask();
    const { signal } = new AbortController();
    const planWith = (pool: ClientPool, external: readonly string[]) => ({
      ...planRounds(prepared, prepared.arms[0], { task, pool, signal }),
      external: new Set(external),
    });
    const recordsOf = async (plan: RoundPlan) =>
      (await run(plan)).rounds.map(({ record }) => record);
    const simulated = await recordsOf(planWith(await oneHost(attacked, plugins), []));
    const outside = await recordsOf(planWith(await oneHost(trial, plugins), prepared.clientIds));
    assert.deepEqual(outside, simulated);
    const honest = await recordsOf(await createPlan(trial));
    assert.notDeepEqual(honest[1]?.clients[0]?.evaluation, outside[1]?.clients[0]?.evaluation);
  });

  it("tells only external clients how to contaminate their data, and only for training", async () => {
    const attacks = [{ attack: { name: "toy-shift" }, clients: ["c01", "c02"] }];
    const trial = toyTrial({ attacks });
    const told: [string, Job["contamination"]][] = [];
    const pool = await oneHost(trial, toyPlugins);
    const spy: ClientPool = {
      ready: (signal) => pool.ready(signal),
      close: () => pool.close(),
      ask: (jobs, admit, signal) => {
        for (const { kind, clientId, contamination } of jobs)
          if (contamination) told.push([`${kind} ${clientId}`, contamination]);
        return pool.ask(jobs, admit, signal);
      },
    };
    const plan = await createPlan(trial, { pool: spy, external: new Set(["c00", "c02"]) });
    await run({ ...plan, trial: { ...plan.trial, rounds: 1 } });
    const stream = `${trial.seed}["shard","c02"]`;
    const common = `${trial.seed}["attack","0-toy-shift"]`;
    assert.deepEqual(told, [["train c02", { kind: "toy-shift", options: {}, stream, common }]]);
  });

  it("hides the truth from the aggregator and shows it in the record", async () => {
    const trial = toyTrial({ attacks: [{ attack: { name: "toy-shift" }, clients: ["c01"] }] });
    const inputs: string[] = [];
    const spy: Aggregator = {
      aggregate: (input) => {
        inputs.push(JSON.stringify(input));
        return Promise.resolve({ change: [] });
      },
    };
    const { rounds } = await run(await createPlan(trial, { aggregator: spy }));
    assert.deepEqual(
      rounds[0]?.record.clients.map((c) => c.attack),
      [null, "toy-shift", null, null],
    );
    assert.ok(inputs.every((text) => !text.includes("shift")));
    // A contaminated client trains on its contaminated data (2 + 50) and does not measure.
    assert.equal(rounds[0].record.clients[1]?.numExamples, 52);
    assert.equal(rounds[0].record.clients[1].evaluation, undefined);
  });

  it("lets an omniscient attack see all honest updates and nothing else", async () => {
    const trial = toyTrial({ clients: 5, attacks: [{ attack: { name: "toy-forger" }, count: 2 }] });
    const { rounds } = await run(await createPlan(trial));
    const forged = rounds[0]?.record.clients.filter((c) => c.attack === "toy-forger");
    assert.deepEqual(
      forged?.map((c) => c.train?.["honest"]),
      [3, 3],
    );
  });

  it("leaves contaminated clients out for an oracle, with the same cohort otherwise", async () => {
    const trial = toyTrial({
      clients: 30,
      cohort: { count: 10 },
      attacks: [{ attack: { name: "toy-shift" }, fraction: 0.5 }],
    });
    const all = await run(await createPlan(trial));
    const oracle = await run(await createPlan(trial, { benignOnly: true }));
    const ids = (rounds: RoundDone[]) =>
      rounds.map(({ record }) => record.clients.filter((c) => !c.attack).map((c) => c.clientId));
    assert.deepEqual(ids(oracle.rounds), ids(all.rounds));
    assert.ok(all.rounds.every(({ record }) => record.clients.length === 10));
    assert.ok(oracle.rounds.every(({ record }) => record.clients.every((c) => c.attack === null)));
    assert.notDeepEqual(all.rounds[0]?.record.clients[0], all.rounds[1]?.record.clients[0]);
  });

  it("goes on without absent clients, with the same cohort otherwise", async () => {
    const trial = toyTrial({ rounds: 4, clients: 30, cohort: { count: 10 } });
    const plan = await createPlan(trial);
    const idsOf = ({ record }: RoundDone) => record.clients.map(({ clientId }) => clientId);
    const all = (await run(plan)).rounds.map(idsOf);
    const [gone = ""] = (all[2] ?? []).filter((id) => all[0]?.includes(id));
    assert.notEqual(gone, "");
    const left = await run(await createPlan({ ...trial, absent: [{ clients: [gone], from: 2 }] }));
    assert.deepEqual(
      left.rounds.map(idsOf),
      all.map((ids, i) => (i === 0 ? ids : ids.filter((id) => id !== gone))),
    );
  });

  it("skips training for an oracle if a cohort has no benign client", async () => {
    const trial = toyTrial({
      rounds: 20,
      cohort: { count: 1 },
      attacks: [{ attack: { name: "toy-shift" }, count: 2 }],
    });
    const { rounds } = await run(await createPlan(trial, { benignOnly: true }));
    const sizes = rounds.map(({ record }) => record.clients.length);
    assert.equal(sizes.length, 20);
    assert.deepEqual([...new Set(sizes)].sort(), [0, 1]);
  });

  it("forges from the updates that arrived before the deadline", async () => {
    const trial = toyTrial({
      rounds: 1,
      limits: { answerSeconds: 0.5, clientSeconds: 0.4 },
      attacks: [{ attack: { name: "toy-forger" }, clients: ["c00"] }],
    });
    const plan = await createPlan(trial);
    const stalled: ClientPool = {
      ready: () => Promise.resolve(),
      close: () => Promise.resolve(),
      async *ask(jobs, admit, signal) {
        yield* plan.pool.ask(jobs.slice(0, 3), admit, signal);
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

  it("records the clients that failed, and continues with a quorum", async () => {
    const trial = toyTrial({
      task: { name: "toy", faults: { 0: "nan", 3: "throw" } },
    });
    const { rounds } = await run(await createPlan(trial));
    const codes = rounds.map(({ record }) => record.clients.map((c) => c.failure?.code ?? "ok"));
    assert.deepEqual(codes, [
      ["NON_FINITE", "ok", "ok", "CLIENT_ERROR"],
      ["NON_FINITE", "ok", "ok", "CLIENT_ERROR"],
    ]);
  });

  it("records the clients that failed to measure", async () => {
    const trial = toyTrial({ rounds: 1 });
    const plan = await createPlan(trial);
    const inner = plan.pool;
    const deaf: ClientPool = {
      ready: (signal) => inner.ready(signal),
      close: () => inner.close(),
      async *ask(jobs, admit, signal) {
        for await (const answer of inner.ask(jobs, admit, signal)) {
          if (jobs[0]?.kind === "train" || answer.clientId !== "c02") yield answer;
        }
      },
    };
    const { rounds } = await run({ ...plan, pool: deaf });
    const codes = rounds[0]?.record.clients.map((c) => c.evaluationFailure?.code ?? "ok");
    assert.deepEqual(codes, ["ok", "ok", "LATE", "ok"]);
  });

  it("ends with exit code 3 below the quorum, and explains why", async () => {
    const faults = { 0: "nan", 1: "throw", 2: "throw" };
    await assert.rejects(
      run(await createPlan(toyTrial({ task: { name: "toy", faults } }))),
      (error) => {
        assert.ok(error instanceof UserError && error.exitCode === 3);
        assert.match(
          error.message,
          /round 1: 1 of 4 clients were admitted, limits.quorum = 0.5 needs 2/,
        );
        assert.match(
          error.message,
          /c01: CLIENT_ERROR \(the toy is broken\), and the same from 1 more$/m,
        );
        return true;
      },
    );
  });

  it("closes a round when answers stop arriving, and reports missing clients as LATE", async () => {
    const trial = toyTrial({ limits: { answerSeconds: 0.5, clientSeconds: 0.4 } });
    const stalled: ClientPool = {
      ready: () => Promise.resolve(),
      close: () => Promise.resolve(),
      async *ask(jobs, admit, signal) {
        const inner = await oneHost(trial, toyPlugins);
        yield* inner.ask(jobs.slice(0, 3), admit, signal);
        await new Promise(() => undefined); // also ignores the signal
      },
    };
    const { rounds } = await run(await createPlan(trial, { pool: stalled }));
    const codes = rounds[1]?.record.clients.map((c) => c.failure?.code ?? "ok");
    assert.deepEqual(codes, ["ok", "ok", "ok", "LATE"]);
  });

  it("stops at once on the signal", async () => {
    const trial = toyTrial({ rounds: 1000 });
    const stop = new AbortController();
    const plan = await createPlan(trial, { signal: stop.signal });
    const running = runRounds(plan, await startTrial(plan.task, plan.clientIds, plan.rng));
    await running.next();
    stop.abort();
    await assert.rejects(running.next(), { name: "AbortError" });
  });

  it("keeps personal params apart from the shared ones", async () => {
    const increment = (x: number) => [
      new Map([["dense", { shape: [2], data: Float64Array.of(x, x) }]]),
    ];
    const aggregator: Aggregator = {
      aggregate: () =>
        Promise.resolve({ change: increment(1), personal: new Map([["c01", increment(10)]]) }),
    };
    const { state } = await run(await createPlan(toyTrial(), { aggregator }));
    assert.equal(state.params.get("dense")?.data[0], 2);
    assert.deepEqual([...state.personal.keys()], ["c01"]);
    const own = await resolveParams(state.personal.get("c01") ?? { base: new Map(), rounds: [] });
    assert.equal(own.get("dense")?.data[0], 20);
  });

  it("lets a task choose the next phase, the shared params and the end", async () => {
    const phases: string[] = [];
    const task: Task = {
      ...createToyTask(),
      step: ({ round, phase }) => {
        phases.push(phase);
        return Promise.resolve({
          next: round === 3 ? "end" : { phase: "second" },
          params: toyParams(round),
          metrics: { square: round * round },
        });
      },
    };
    const { rounds, state } = await run(await createPlan(toyTrial({ rounds: 9 }), { task }));
    assert.deepEqual(phases, ["train", "second", "second"]);
    assert.deepEqual(state.params, toyParams(3));
    assert.deepEqual(
      rounds.map(({ record }) => record.metrics),
      [{ square: 1 }, { square: 4 }, { square: 9 }],
    );
  });

  it("lets a task choose the clients of every round", async () => {
    const task: Task = {
      ...createToyTask(),
      start: ({ clientIds: ids }) => {
        const ask = { phase: "first", clients: ids.slice(0, 1) };
        return Promise.resolve({ params: toyParams(0), ask });
      },
      step: ({ round }) => {
        const clients = round === 1 ? { clients: ["c01", "c03"] } : {};
        return Promise.resolve({ next: { phase: "later", ...clients } });
      },
    };
    const { rounds } = await run(await createPlan(toyTrial({ rounds: 3 }), { task }));
    assert.deepEqual(
      rounds.map(({ record }) => [record.phase, ...record.clients.map((c) => c.clientId)]),
      [
        ["first", "c00"],
        ["later", "c01", "c03"],
        ["later", "c00", "c01", "c02", "c03"],
      ],
    );
  });

  it("lets a task aggregate other updates, and replace the result", async () => {
    const aggregated: string[][] = [];
    const aggregator: Aggregator = {
      aggregate: ({ updates }) => {
        aggregated.push(updates.map(({ clientId }) => clientId));
        // The module is in another space: the params do not have it.
        const modules = new Map([["statistic", { shape: [1], data: Float64Array.of(7) }]]);
        return Promise.resolve({ change: [modules], personal: new Map([["c00", [modules]]]) });
      },
    };
    const task: Task = {
      ...createToyTask(),
      step: async ({ round, updates }, aggregate) => {
        const terms = round === 1 ? 0 : (await aggregate(updates.slice(1))).change.length;
        return {
          params: toyParams(round),
          verdicts: updates.map(({ clientId }) => ({
            clientId,
            status: "contaminated",
            pooled: false,
            score: 2,
            threshold: 1,
          })),
          metrics: { at: round },
          artifacts: { terms },
        };
      },
    };
    const { rounds, state } = await run(await createPlan(toyTrial(), { task, aggregator }));
    assert.deepEqual(aggregated, [["c01", "c02", "c03"]]);
    assert.deepEqual(
      rounds.map(({ record, artifacts }) => [record.metrics, artifacts]),
      [
        [{ at: 1 }, { terms: 0 }],
        [{ at: 2 }, { terms: 1 }],
      ],
    );
    assert.ok(rounds[1]?.record.clients.every(({ verdict }) => verdict === "contaminated"));
    assert.deepEqual([state.params, state.personal.size], [toyParams(2), 0]);
  });

  describe("with an aggregator or a task that fails", () => {
    const failInSecondRound = (fails: () => never): Partial<RoundPlan> => ({
      aggregator: {
        aggregate: ({ round }) => (round === 1 ? Promise.resolve({ change: [] }) : fails()),
      },
    });
    const collectRounds = async (plan: RoundPlan) => {
      const rounds: RoundDone[] = [];
      const from = await startTrial(plan.task, plan.clientIds, plan.rng);
      let error: unknown;
      try {
        for await (const event of runRounds(plan, from))
          if (event.kind === "round") rounds.push(event);
      } catch (thrown) {
        error = thrown;
      }
      return { rounds, error };
    };

    it("ends the arm with a record that explains why, and the state of the round before", async () => {
      const changes = failInSecondRound(() => {
        throw new TypeError("no such space");
      });
      const { rounds, error } = await collectRounds(
        await createPlan(toyTrial({ rounds: 3 }), changes),
      );
      assert.ok(error instanceof UserError && error.exitCode === 6);
      assert.equal(error.message, "round 2: TypeError: no such space");
      assert.deepEqual(
        rounds.map(({ record }) => record.stopped),
        [undefined, "TypeError: no such space"],
      );
      assert.equal(rounds[1]?.record.clients[0]?.train?.["loss"], 1);
      assert.equal(rounds[1].state, rounds[0]?.state);
    });

    const returnAggregation = (aggregation: unknown): Partial<RoundPlan> => ({
      aggregator: { aggregate: () => Promise.resolve(aggregation as Aggregation) },
    });
    const noChanges =
      "aggregator 'toy-mean' returned no list of changes: expected { change }, an array of Maps of tensors by module, got";
    const tensor = { shape: [3], data: Float64Array.of(1, 2, 3) };
    for (const [what, changes, why] of [
      ["no changes", returnAggregation({}), `${noChanges} change: undefined`],
      ["nothing", returnAggregation(undefined), `${noChanges} undefined`],
      ["a map of changes", returnAggregation({ change: new Map() }), `${noChanges} change: a Map`],
      [
        "an object instead of a map",
        returnAggregation({ change: [{ dense: tensor }] }),
        `${noChanges} change[0]: an object`,
      ],
      [
        "numbers without a shape",
        returnAggregation({ change: [new Map([["dense", tensor.data]])] }),
        `${noChanges} change[0], module dense: a Float64Array without a list shape`,
      ],
      [
        "one change for a client",
        returnAggregation({ change: [], personal: new Map([["c00", new Map()]]) }),
        "aggregator 'toy-mean': personal: expected a Map, a list of changes by client, got the changes of c00: a Map",
      ],
      [
        "kinds that are no names",
        returnAggregation({ change: [], cleared: [1] }),
        "aggregator 'toy-mean': cleared: expected a list of kinds, got an array",
      ],
      [
        "a notice that is no sentence",
        returnAggregation({ change: [], notice: 3 }),
        "aggregator 'toy-mean': notice: expected a sentence, got 3",
      ],
      [
        "verdicts without a list",
        returnAggregation({ change: [], verdicts: {} }),
        "aggregator 'toy-mean': verdicts: expected a list, got an object",
      ],
      [
        "a verdict of another form",
        returnAggregation({ change: [], verdicts: [null] }),
        "aggregator 'toy-mean': verdict 0: expected { clientId, status, … }, got null",
      ],
      [
        "a state that cannot be stored",
        returnAggregation({ change: [], state: { at: () => 1 } }),
        "aggregator 'toy-mean': state.at: expected JSON values, typed arrays, and maps and arrays of these, which can be stored, got a function",
      ],
      [
        "an unknown module",
        returnAggregation({ change: [new Map([["other", tensor]])] }),
        "the aggregate changes module 'other', which the params lack",
      ],
      [
        "a module of another shape",
        returnAggregation({ change: [new Map([["dense", tensor]])] }),
        "the aggregate's module 'dense' has 3 numbers, not 2",
      ],
      [
        "an exception that has no text",
        failInSecondRound(() => {
          throw Object.create(null);
        }),
        "a value that has no text was thrown",
      ],
    ] as const) {
      it(`ends only the arm if the aggregator gives ${what}`, async () => {
        const { rounds, error } = await collectRounds(await createPlan(toyTrial(), changes));
        assert.ok(error instanceof UserError && error.exitCode === 6, String(error));
        assert.equal(rounds.at(-1)?.record.stopped, why);
        // The location of a check in fedclair would mislead.
        assert.equal(error.cause instanceof UserError, false);
      });
    }

    it("ends only the arm if an omniscient attack fails", async () => {
      const trial = toyTrial({ attacks: [{ attack: { name: "toy-forger" }, clients: ["c02"] }] });
      const plan = await createPlan(trial);
      const [[id, one] = assert.fail()] = plan.contamination;
      const attack = {
        attackRound: () => {
          throw new Error("no sight");
        },
      };
      const contamination = new Map([[id, { ...one, attack }]]);
      const { rounds, error } = await collectRounds({ ...plan, contamination });
      assert.ok(error instanceof UserError && error.exitCode === 6);
      assert.equal(rounds[0]?.record.stopped, "an attack failed: Error: no sight");
    });

    it("limits the text of a fault to one line of two kilobytes", async () => {
      const { rounds } = await collectRounds(
        await createPlan(
          toyTrial(),
          failInSecondRound(() => {
            throw new Error("x\n".repeat(1e6));
          }),
        ),
      );
      const { stopped = "" } = rounds.at(-1)?.record ?? {};
      assert.ok(stopped.length < 2049 && stopped.startsWith("Error: x\\nx\\n"));
    });

    const createForgingPlan = async (attackRound: unknown, state?: unknown) => {
      const trial = toyTrial({ attacks: [{ attack: { name: "toy-forger" }, clients: ["c02"] }] });
      const plan = await createPlan(trial);
      const [[id, one] = assert.fail()] = plan.contamination;
      const attack = { attackRound } as never;
      return { ...plan, contamination: new Map([[id, { ...one, attack }]]), state };
    };
    type Own = { own: Update[]; honest: Update[] };
    for (const [what, attackRound, why] of [
      [
        "a promise",
        ({ own }: Own) => Promise.resolve({ updates: own }),
        "attackRound returned a promise; expected { updates } at once: not async",
      ],
      ["nothing", () => undefined, "attackRound returned undefined; expected { updates }"],
      ["a list", ({ own }: Own) => own, "attackRound returned an array; expected { updates }"],
      [
        "too few updates",
        () => ({ updates: [] }),
        "attackRound returned no update of c02; expected one of each",
      ],
      [
        "an update of another client",
        ({ own, honest }: Own) => ({ updates: [...own, ...honest] }),
        "attackRound returned an update of c00, which is not in own",
      ],
      [
        "a state with a method",
        ({ own }: Own) => ({ updates: own, state: { f: () => 1 } }),
        "the attack's state.f: expected JSON values, .* got a function",
      ],
    ] as const) {
      it(`ends only the arm if an omniscient attack returns ${what}`, async () => {
        const { rounds, error } = await collectRounds(await createForgingPlan(attackRound));
        assert.ok(error instanceof UserError && error.exitCode === 6, String(error));
        assert.match(
          rounds.at(-1)?.record.stopped ?? "",
          new RegExp(why.replace("{ updates }", "\\{ updates \\}")),
        );
      });
    }

    it("ends only the arm if a step is malformed, or its state cannot be stored", async () => {
      class Memory {
        next = 1;
      }
      for (const [step, expected] of [
        [() => Promise.resolve(undefined), /the task's step returned undefined; expected/],
        [
          () => Promise.resolve({ state: new Map([["m", [new Memory()]]]) }),
          /the task's state\.get\(m\)\[0\]: expected JSON values, .* got a Memory/,
        ],
      ] as const) {
        const plan = await createPlan(toyTrial());
        const { error } = await collectRounds({
          ...plan,
          task: { ...plan.task, step: step as never },
        });
        assert.match(String(error), expected);
        assert.ok(error instanceof UserError && error.exitCode === 6);
      }
    });

    it("ends only the arm if a step's artifacts or metrics cannot be written", async () => {
      const cycle: { self?: unknown } = {};
      cycle.self = cycle;
      const long = Array.from({ length: 65 }, () => "x".repeat(2 ** 20)); // 65 MiB
      const getter = Object.defineProperty({}, "x", {
        enumerable: true,
        get: () => {
          throw new Error("no metrics");
        },
      });
      for (const [step, why] of [
        [
          { artifacts: { a: 1n } },
          /^artifact a: expected what survives JSON, got TypeError: .*BigInt/,
        ],
        [{ artifacts: { a: [cycle] } }, /^artifact a: .* got TypeError: Converting circular/],
        [{ artifacts: { a: () => 1 } }, /^artifact a: .* got function$/],
        [{ artifacts: { a: undefined } }, /^artifact a: .* got undefined$/],
        [{ artifacts: { a: long } }, /at most 67108864 characters as JSON, got 68/],
        [{ artifacts: getter }, /^Error: no metrics/],
        [{ metrics: getter }, /^Error: no metrics/],
      ] as [Step, RegExp][]) {
        const task: Task = {
          ...createToyTask(),
          step: () => Promise.resolve(step),
        };
        const { rounds, error } = await collectRounds(await createPlan(toyTrial(), { task }));
        assert.ok(error instanceof UserError && error.exitCode === 6, String(error));
        assert.match(rounds.at(-1)?.record.stopped ?? "", why);
      }
    });

    it("rejects a second call of the aggregator in a round", async () => {
      const task: Task = {
        ...createToyTask(),
        step: async (_, aggregate) => {
          await aggregate();
          await aggregate();
          return {};
        },
      };
      const { error } = await collectRounds(await createPlan(toyTrial(), { task }));
      assert.match(String(error), /asks the aggregator twice in a round/);
    });
  });

  it("keeps the old params if new ones are not finite, and explains why", async () => {
    const huge = [new Map([["pair", { shape: [2, 3], data: new Float64Array(6).fill(1e39) }]])];
    const small = [new Map([["dense", { shape: [2], data: Float64Array.of(1, 1) }]])];
    const aggregations = [
      { change: huge, personal: new Map([["c00", small]]) },
      {
        change: small,
        personal: new Map([
          ["c00", small],
          ["c01", huge],
        ]),
      },
    ];
    const aggregator: Aggregator = {
      aggregate: ({ round }) => Promise.resolve(aggregations[round - 1] ?? { change: [] }),
    };
    const { rounds, state } = await run(await createPlan(toyTrial(), { aggregator }));
    assert.deepEqual(
      rounds.map(({ record }) => record.kept),
      [
        "the new params of the aggregator: module pair, entry 0 is Infinity",
        "the new params of the aggregator for client c01: module pair, entry 0 is Infinity",
      ],
    );
    assert.equal(state.params.get("dense")?.data[0], 1);
    assert.deepEqual([...state.personal.keys()], ["c00"]);
    assert.ok(rounds.every(({ record }) => record.clients.every(({ failure }) => !failure)));
  });

  it("sends only the added terms of personal params, until they outweigh the params", async () => {
    const data = (...values: number[]) => Float32Array.from(values);
    const pair = {
      b: { shape: [2, 1], data: data(1, 2) },
      a: { shape: [1, 3], data: data(1, 1, 1) },
    };
    const aggregator: Aggregator = {
      aggregate: () =>
        Promise.resolve({ change: [], personal: new Map([["c00", [new Map([["pair", pair]])]]]) }),
    };
    const { rounds, state } = await run(await createPlan(toyTrial({ rounds: 4 }), { aggregator }));
    // The params are 2·8 + 6·4 = 40 bytes, and a pair is 2·4 + 3·4 = 20 bytes, so that two pairs
    // are as large as the params.
    assert.deepEqual(
      rounds.map(({ record }) => record.bytes.down),
      [160, 120 + 20, 160, 120 + 20],
    );
    const own = await resolveParams(state.personal.get("c00") ?? { base: new Map(), rounds: [] });
    assert.deepEqual([...(own.get("pair")?.data ?? [])], [4, 4, 4, 8, 8, 8]);
  });

  it("gives the same bytes when it resumes from a stored state", async () => {
    const createCounter = (sent: number): Aggregator<number> => ({
      aggregate: ({ updates }, count = 0) =>
        Promise.resolve({
          change: updates[0] ? [updates[0].delta] : [],
          personal: new Map(updates.slice(0, sent).map((u) => [u.clientId, [u.delta]])),
          metrics: { count },
          state: count + updates.length,
        }),
    });
    const trial = toyTrial({
      rounds: 4,
      cohort: { count: 2 },
      attacks: [{ attack: { name: "toy-forger" }, count: 1 }],
    });
    const fresh = () => createPlan(trial, { aggregator: createCounter(1) });
    const whole = await run(await fresh());
    assert.deepEqual(
      whole.rounds.map(({ record }) => record.metrics["count"]),
      [0, 2, 4, 6],
    );
    const half = whole.rounds[1]?.state;
    const restored = deserialize(serialize(half)) as TrialState;
    const rest = await run(await fresh(), restored);
    assert.deepEqual(
      rest.rounds.map(({ record }) => record),
      whole.rounds.slice(2).map(({ record }) => record),
    );
    assert.deepEqual(rest.state, whole.state);
  });

  it("passes data contamination to the shard, with the defaults of its options", async () => {
    const attacks = [
      { attack: { name: "toy-data", kind: "offset" }, clients: ["c01", "c02"] },
      { attack: { name: "toy-data", kind: "offset", options: { by: 5 } }, clients: ["c03"] },
    ];
    const { rounds } = await run(await createPlan(toyTrial({ rounds: 1, attacks })));
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
