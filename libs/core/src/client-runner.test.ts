import assert from "node:assert/strict";
import { ClientRunner } from "./client-runner.js";
import type { Task, TrainResult } from "./contracts.js";
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
