import assert from "node:assert/strict";
import { ClientRunner } from "./client-runner.js";
import type { Task, TrainResult } from "./contracts.js";
import { UserError } from "./errors.js";
import { toyPlugins, toyTrial } from "../testing/index.js";
import { toyTask } from "../testing/toy.js";

describe("ClientRunner", () => {
  it("gives a client up when its time is over, and tells its training so", async () => {
    let stopped: unknown;
    const create = (options: never): Task => ({
      ...toyTask.create(options),
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
    const runner = new ClientRunner(toyTrial({ limits: { clientSeconds: 0.01 } }), plugins);
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
      const create = (options: never): Task => ({
        ...toyTask.create(options),
        openShard: () =>
          Promise.resolve({ train: () => assert.fail(), ...(evaluate && { evaluate }) }),
      });
      const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
      const runner = new ClientRunner(toyTrial(), plugins, (_, error) => faults.push(error));
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
    for (const result of [{}, { delta: new Map([["m", {}]]), metrics: {} }, { delta: new Map() }]) {
      const create = (options: never): Task => ({
        ...toyTask.create(options),
        openShard: () =>
          Promise.resolve({ train: () => Promise.resolve(result as unknown as TrainResult) }),
      });
      const plugins = { ...toyPlugins, tasks: new Map([["toy", { ...toyTask, create }]]) };
      const answer = await new ClientRunner(toyTrial(), plugins).run({
        ...{ round: 1, phase: "train", kind: "train" as const },
        ...{ id: 1, clientId: "c00", params: { base: new Map(), rounds: [] } },
        ...{ clientIndex: 0, clientCount: 4, seed: 1, commonSeed: 2 },
      });
      assert.ok("failure" in answer);
      assert.equal(answer.failure.code, "CLIENT_ERROR");
      assert.match(answer.failure.message, /^train\(\) returned something else: expected/);
    }
  });
});
