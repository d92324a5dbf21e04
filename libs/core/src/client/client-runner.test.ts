import assert from "node:assert/strict";
import { once } from "node:events";
import { ClientRunner } from "./client-runner.js";
import type { Answer } from "../contracts/pool.js";
import type { Task, TrainResult } from "../contracts/task.js";
import { UserError } from "../words/errors.js";
import { prepare, toyPlugins, toyTrial } from "../../testing/index.js";
import { createToyTask, toyTask } from "../../testing/toy.js";

const createJob = (kind: "train" | "evaluate") => ({
  id: 1,
  clientId: "c00",
  round: 1,
  phase: "train",
  kind,
  clientIndex: 0,
  clientCount: 4,
  seed: 1,
  commonSeed: 2,
  params: { base: new Map(), rounds: [] },
});

describe("ClientRunner", () => {
  describe("with clients that train together", () => {
    /** Creates a runner whose client i sends i; the clients in `faulty` throw. */
    function createRunner(faulty: readonly number[] = [], clientSeconds = 30, together?: unknown) {
      const groups: number[] = [];
      const create = (): Task => ({
        ...createToyTask(),
        openShard: ({ index }) =>
          Promise.resolve({
            index,
            train: () =>
              faulty.includes(index) ? Promise.reject(new Error(`${index}`)) : result(index),
          }),
        trainCohort: {
          maxBatch: 3,
          train: async (trainers, jobs) => {
            groups.push(trainers.length);
            if (clientSeconds < 1) await once(jobs[0]?.signal ?? assert.fail(), "abort");
            if (together instanceof Error) throw together;
            if (together !== undefined) return together as never;
            const single = trainers.map((trainer, i) => trainer.train(jobs[i] ?? assert.fail()));
            return await Promise.all(single);
          },
        },
      });
      const result = (numExamples: number): Promise<TrainResult> =>
        Promise.resolve({ numExamples, delta: new Map(), metrics: {} });
      const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
      const faults: string[] = [];
      const groupFaults: string[] = [];
      const runner = new ClientRunner(prepare(toyTrial({ limits: { clientSeconds } }), plugins), {
        onClientError: (job) => {
          faults.push(job.clientId);
        },
        onBatchError: (task, error) => {
          groupFaults.push(`${task}: ${String(error)}`);
        },
      });
      return { runner, groups, faults, groupFaults };
    }

    const jobs = [0, 1, 2].map((i) => ({ ...createJob("train"), id: i, clientId: `c0${i}` }));
    const listResults = (answers: readonly Answer[]) =>
      answers.map((answer) =>
        "update" in answer ? answer.update.numExamples : answer.failure.code,
      );

    it("returns one answer per job, in the order of the jobs", async () => {
      const { runner, groups } = createRunner();
      await runner.prepare();
      assert.equal(runner.maxBatch, 3);
      const answers = await runner.runAll(jobs);
      assert.deepEqual(
        answers.map(({ jobId, clientId }) => [jobId, clientId]),
        jobs.map(({ id, clientId }) => [id, clientId]),
      );
      assert.deepEqual(listResults(answers), [0, 1, 2]);
      assert.deepEqual(groups, [3]);
    });

    it("trains one client after another if one of them fails, so that only it fails", async () => {
      const { runner, groups, faults, groupFaults } = createRunner([1]);
      assert.deepEqual(listResults(await runner.runAll(jobs)), [0, "CLIENT_ERROR", 2]);
      assert.deepEqual([groups, faults, groupFaults], [[3], ["c01"], []]);
    });

    it("trains one client after another if only the group fails, and reports this once", async () => {
      for (const [together, expected] of [
        [new Error("shapes differ"), "shapes differ"],
        [[], "trainCohort.train() returned 0 results; expected 3 results"],
        [{}, "trainCohort.train() returned an object; expected 3 results"],
      ] as const) {
        const { runner, groups, faults, groupFaults } = createRunner([], 30, together);
        for (let round = 0; round < 2; round++)
          assert.deepEqual(listResults(await runner.runAll(jobs)), [0, 1, 2]);
        assert.deepEqual([groups, faults], [[3, 3], []]);
        assert.deepEqual(groupFaults, [`toy: Error: ${expected}`]);
      }
    });

    it("gives the group the time that its clients have one after another", async () => {
      const { runner } = createRunner([], 0.01);
      const began = performance.now();
      assert.deepEqual(listResults(await runner.runAll(jobs)), new Array(3).fill("CLIENT_TIMEOUT"));
      assert.ok(performance.now() - began >= 25);
    });
  });

  it("aborts a client's training when its time is over, and reports it", async () => {
    let stopped: unknown;
    const create = (): Task => ({
      ...createToyTask(),
      openShard: () =>
        Promise.resolve({
          train: ({ signal }) =>
            new Promise<never>((_, reject) => {
              signal.addEventListener("abort", () => {
                stopped = signal.reason;
                reject(new Error("stopped"));
              });
            }),
        }),
    });
    const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
    const late: string[] = [];
    const runner = new ClientRunner(
      prepare(toyTrial({ limits: { clientSeconds: 0.01 } }), plugins),
      { onTimeout: ({ clientId }, what) => late.push(`${clientId}: ${what}`) },
    );
    const arrival = await runner.run(createJob("train"));
    assert.ok("failure" in arrival);
    assert.equal(arrival.failure.code, "CLIENT_TIMEOUT");
    const message = "train() of task 'toy' gave no result after 0.01 s (limits.clientSeconds)";
    assert.equal(arrival.failure.message, message);
    assert.deepEqual(late, [`c00: ${message}`]);
    assert.ok(stopped instanceof DOMException);
  });

  it("fails a client that blocks the event loop beyond its time", async () => {
    const create = (): Task => ({
      ...createToyTask(),
      openShard: () =>
        Promise.resolve({
          train: () => {
            const end = performance.now() + 20;
            while (performance.now() < end);
            return Promise.resolve({ numExamples: 1, delta: new Map(), metrics: {} });
          },
        }),
    });
    const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
    const trial = toyTrial({ limits: { clientSeconds: 0.01 } });
    const answer = await new ClientRunner(prepare(trial, plugins)).run(createJob("train"));
    assert.ok("failure" in answer);
    assert.equal(answer.failure.code, "CLIENT_TIMEOUT");
  });

  it("distinguishes a task without evaluation, an exception and a UserError", async () => {
    const faults: unknown[] = [];
    const thrown = new TypeError("no such row");
    const evaluates = [
      undefined,
      () => Promise.reject(thrown),
      () => Promise.reject(new UserError("no data")),
    ];
    const failures = [];
    for (const evaluate of evaluates) {
      const create = (): Task => ({
        ...createToyTask(),
        openShard: () =>
          Promise.resolve({ train: () => assert.fail(), ...(evaluate && { evaluate }) }),
      });
      const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
      const runner = new ClientRunner(prepare(toyTrial(), plugins), {
        onClientError: (_, error) => faults.push(error),
      });
      const answer = await runner.run(createJob("evaluate"));
      failures.push("failure" in answer && answer.failure);
    }
    assert.deepEqual(failures, [
      { code: "NO_EVALUATION", message: "the task has no client-side evaluation" },
      { code: "CLIENT_ERROR", message: "no such row" },
      { code: "CLIENT_ERROR", message: "no data" },
    ]);
    assert.deepEqual(faults, [thrown]);
  });

  it("reports a malformed result as the client's failure", async () => {
    const data = [1, 2];
    const sound = { numExamples: 1, delta: new Map(), metrics: {} };
    for (const [result, fault] of [
      [undefined, "undefined"],
      [{}, "a delta that is undefined"],
      [{ ...sound, delta: Promise.resolve(1) }, "a delta that is a promise: is an await missing?"],
      [{ ...sound, delta: new Map([["m", 3]]) }, "delta.get('m') that is 3"],
      [{ ...sound, delta: new Map([["m", {}]]) }, "delta.get('m') with a shape that is undefined"],
      [
        { ...sound, delta: new Map([["m", { shape: [2], data }]]) },
        "delta.get('m') with data that is an array, no Float32Array or Float64Array",
      ],
      [{ delta: new Map(), metrics: {} }, "numExamples that is undefined"],
      [{ ...sound, metrics: { loss: "0.1" } }, "metrics.loss that is '0.1'"],
    ] as const) {
      const create = (): Task => ({
        ...createToyTask(),
        openShard: () =>
          Promise.resolve({ train: () => Promise.resolve(result as unknown as TrainResult) }),
      });
      const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
      const answer = await new ClientRunner(prepare(toyTrial(), plugins)).run(createJob("train"));
      assert.ok("failure" in answer);
      assert.equal(answer.failure.code, "CLIENT_ERROR");
      assert.equal(answer.failure.message.split("; ")[0], `train() returned ${fault}`);
    }
  });

  it("reports a malformed trainer as the client's failure", async () => {
    for (const [trainer, fault] of [
      [undefined, "undefined"],
      [{ evaluate: () => undefined }, "an object without train"],
    ] as const) {
      const create = (): Task => ({
        ...createToyTask(),
        openShard: () => Promise.resolve(trainer as never),
      });
      const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
      const answer = await new ClientRunner(prepare(toyTrial(), plugins)).run(createJob("train"));
      assert.ok("failure" in answer);
      assert.match(answer.failure.message, new RegExp(`^openShard\\(\\) returned ${fault};`));
    }
  });

  it("gives every job its own copy of the params, which it may change in place", async () => {
    const values: number[] = [];
    const create = (): Task => ({
      ...createToyTask(),
      openShard: () =>
        Promise.resolve({
          train: ({ params }) => {
            const data = params.get("w")?.data ?? assert.fail();
            values.push((data[0] = (data[0] ?? 0) + 1));
            return Promise.resolve({ numExamples: 1, delta: new Map(), metrics: {} });
          },
        }),
    });
    const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
    const runner = new ClientRunner(prepare(toyTrial(), plugins));
    const base = new Map([["w", { shape: [1], data: Float64Array.of(5) }]]);
    for (const id of [1, 2])
      await runner.run({ ...createJob("train"), id, params: { base, rounds: [] } });
    assert.deepEqual(values, [6, 6]);
  });

  it("fails a client that trained its params in place and returned their difference", async () => {
    const change = { shape: [1], data: Float64Array.of(0) };
    const delta = new Map([["w", change]]);
    const train = async (step: number) => {
      const create = (): Task => ({
        ...createToyTask(),
        openShard: () =>
          Promise.resolve({
            train: ({ params }) => {
              const data = params.get("w")?.data ?? assert.fail();
              data[0] = (data[0] ?? 0) + step;
              return Promise.resolve({ numExamples: 1, delta, metrics: {} });
            },
          }),
      });
      const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
      const base = new Map([["w", { shape: [1], data: Float64Array.of(5) }]]);
      const job = { ...createJob("train"), params: { base, rounds: [] } };
      return await new ClientRunner(prepare(toyTrial(), plugins)).run(job);
    };
    const answer = await train(1);
    assert.ok("failure" in answer);
    assert.equal(answer.failure.code, "CLIENT_ERROR");
    assert.match(answer.failure.message, /^train\(\) of task 'toy' changed its params in place/);
    assert.ok("update" in (await train(0)), "a client that has learnt nothing does not fail");
  });
});
