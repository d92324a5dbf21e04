import assert from "node:assert/strict";
import { once } from "node:events";
import { ClientRunner } from "./client-runner.js";
import type { Answer } from "../contracts/pool.js";
import type { Task, TrainResult } from "../contracts/task.js";
import { UserError } from "../words/errors.js";
import { prepare, toyPlugins, toyTrial } from "../../testing/index.js";
import { createToyTask, toyTask } from "../../testing/toy.js";

const jobOf = (kind: "train" | "evaluate") => ({
  ...{ round: 1, phase: "train", kind },
  ...{ id: 1, clientId: "c00", params: { base: new Map(), rounds: [] } },
  ...{ clientIndex: 0, clientCount: 4, seed: 1, commonSeed: 2 },
});

describe("ClientRunner", () => {
  describe("with clients that train together", () => {
    /** Client i, of shard i, sends i; those of `faulty` throw. */
    function runnerOf(faulty: readonly number[] = [], clientSeconds = 30, together?: unknown) {
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
      const runner = new ClientRunner(
        prepare(toyTrial({ limits: { clientSeconds } }), plugins),
        (job) => {
          faults.push(job.clientId);
        },
        (task, error) => {
          groupFaults.push(`${task}: ${String(error)}`);
        },
      );
      return { runner, groups, faults, groupFaults };
    }

    const jobs = [0, 1, 2].map((i) => ({ ...jobOf("train"), id: i, clientId: `c0${i}` }));
    const shown = (answers: readonly Answer[]) =>
      answers.map((answer) =>
        "update" in answer ? answer.update.numExamples : answer.failure.code,
      );

    it("gives each one's answer, in their order", async () => {
      const { runner, groups } = runnerOf();
      await runner.prepare();
      assert.equal(runner.maxBatch, 3);
      const answers = await runner.runAll(jobs);
      assert.deepEqual(
        answers.map(({ jobId, clientId }) => [jobId, clientId]),
        jobs.map(({ id, clientId }) => [id, clientId]),
      );
      assert.deepEqual(shown(answers), [0, 1, 2]);
      assert.deepEqual(groups, [3]);
    });

    it("trains one after another when one of them fails, so that it fails alone", async () => {
      const { runner, groups, faults, groupFaults } = runnerOf([1]);
      assert.deepEqual(shown(await runner.runAll(jobs)), [0, "CLIENT_ERROR", 2]);
      assert.deepEqual([groups, faults, groupFaults], [[3], ["c01"], []]);
    });

    it("trains one after another where only the group fails, and tells of it once", async () => {
      for (const [together, said] of [
        [new Error("shapes differ"), "shapes differ"],
        [[], "trainCohort.train() returned 0 results; expected 3 results"],
        [{}, "trainCohort.train() returned an object; expected 3 results"],
      ] as const) {
        const { runner, groups, faults, groupFaults } = runnerOf([], 30, together);
        for (let round = 0; round < 2; round++)
          assert.deepEqual(shown(await runner.runAll(jobs)), [0, 1, 2]);
        assert.deepEqual([groups, faults], [[3, 3], []]);
        assert.deepEqual(groupFaults, [`toy: Error: ${said}`]);
      }
    });

    it("gives all up after the time that they have one after another", async () => {
      const { runner } = runnerOf([], 0.01);
      const began = performance.now();
      assert.deepEqual(shown(await runner.runAll(jobs)), new Array(3).fill("CLIENT_TIMEOUT"));
      assert.ok(performance.now() - began >= 25);
    });
  });

  it("gives a client up when its time is over, and tells its training so", async () => {
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
    const runner = new ClientRunner(
      prepare(toyTrial({ limits: { clientSeconds: 0.01 } }), plugins),
    );
    const arrival = await runner.run({
      ...{ round: 1, phase: "train", kind: "train" as const },
      ...{ id: 1, clientId: "c00", params: { base: new Map(), rounds: [] } },
      ...{ clientIndex: 0, clientCount: 4, seed: 1, commonSeed: 2 },
    });
    assert.ok("failure" in arrival);
    assert.equal(arrival.failure.code, "CLIENT_TIMEOUT", arrival.failure.message);
    assert.ok(stopped instanceof DOMException);
  });

  it("tells a task that cannot measure from one that fails to, and what it throws from a word to the user", async () => {
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
      const runner = new ClientRunner(prepare(toyTrial(), plugins), (_, error) =>
        faults.push(error),
      );
      const answer = await runner.run({
        ...{ round: 1, phase: "train", kind: "evaluate" as const },
        ...{ id: 1, clientId: "c00", params: { base: new Map(), rounds: [] } },
        ...{ clientIndex: 0, clientCount: 4, seed: 1, commonSeed: 2 },
      });
      failures.push("failure" in answer && answer.failure);
    }
    assert.deepEqual(failures, [
      { code: "NO_EVALUATION", message: "the task has no client-side evaluation" },
      { code: "CLIENT_ERROR", message: "no such row" },
      { code: "CLIENT_ERROR", message: "no data" },
    ]);
    assert.deepEqual(faults, [thrown]);
  });

  it("takes what is no result for the client's fault", async () => {
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
      const answer = await new ClientRunner(prepare(toyTrial(), plugins)).run({
        ...{ round: 1, phase: "train", kind: "train" as const },
        ...{ id: 1, clientId: "c00", params: { base: new Map(), rounds: [] } },
        ...{ clientIndex: 0, clientCount: 4, seed: 1, commonSeed: 2 },
      });
      assert.ok("failure" in answer);
      assert.equal(answer.failure.code, "CLIENT_ERROR");
      assert.equal(answer.failure.message.split("; ")[0], `train() returned ${fault}`);
    }
  });

  it("takes what is no trainer for the client's fault", async () => {
    for (const [trainer, fault] of [
      [undefined, "undefined"],
      [{ evaluate: () => undefined }, "an object without train"],
    ] as const) {
      const create = (): Task => ({
        ...createToyTask(),
        openShard: () => Promise.resolve(trainer as never),
      });
      const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
      const answer = await new ClientRunner(prepare(toyTrial(), plugins)).run(jobOf("train"));
      assert.ok("failure" in answer);
      assert.match(answer.failure.message, new RegExp(`^openShard\\(\\) returned ${fault};`));
    }
  });

  it("gives every job params of its own: what one changes in place the next does not see", async () => {
    const seen: number[] = [];
    const create = (): Task => ({
      ...createToyTask(),
      openShard: () =>
        Promise.resolve({
          train: ({ params }) => {
            const data = params.get("w")?.data ?? assert.fail();
            seen.push((data[0] = (data[0] ?? 0) + 1));
            return Promise.resolve({ numExamples: 1, delta: new Map(), metrics: {} });
          },
        }),
    });
    const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
    const runner = new ClientRunner(prepare(toyTrial(), plugins));
    const base = new Map([["w", { shape: [1], data: Float64Array.of(5) }]]);
    for (const id of [1, 2])
      await runner.run({ ...jobOf("train"), id, params: { base, rounds: [] } });
    assert.deepEqual(seen, [6, 6]);
  });
});
