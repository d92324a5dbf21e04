import assert from "node:assert/strict";
import { type Dense, readNumbers, type Params, type Task } from "@fedclair/core";
import { stream, item } from "@fedclair/linalg";
import { network } from "./index.js";
import { startOf } from "../../testing/coordinator.js";

const seed = stream("network test");
/** Without noise and with many samples, an estimate equals the truth. */
const exact = { inputs: 3, hidden: 4, outputs: 4, noise: 0, samples: 60, localSteps: 1500 };

function create(options: object = {}): Task {
  return network.create(network.schema.parse(options) as never) as Task;
}

function open(task: Task, index: number, kind?: string) {
  const contamination = kind && { kind, options: {}, common: seed.at("attack") };
  const shard = { index, count: 12, rng: seed.at("client", index) };
  return task.openShard({ ...shard, ...(contamination && { contamination }) });
}

async function train(task: Task, index: number, kind?: string, start?: Params) {
  const params = start ?? (await startOf(task, seed));
  const job = {
    round: 1,
    phase: "train",
    params,
    rng: seed.at("job"),
    common: seed.at("common"),
    signal: new AbortController().signal,
  };
  const { delta, metrics } = await (await open(task, index, kind)).train(job);
  const change = delta.get("change");
  assert.ok(change !== undefined && "data" in change);
  return { change, loss: metrics["loss"] ?? NaN };
}

async function measureMse(
  task: Task,
  index: number,
  change: Dense,
  kind?: string,
): Promise<number> {
  const result = await (await open(task, index, kind)).evaluate?.(new Map([["change", change]]));
  return result?.metrics["mse"] ?? NaN;
}

describe("network", () => {
  it("finds the true change without noise, from any initial params", async () => {
    const task = create(exact);
    const { change } = await train(task, 0);
    assert.deepEqual(change.shape, [4, 3]);
    assert.ok((await measureMse(task, 0, change)) < 1e-5);
    assert.ok((await measureMse(task, 1, change)) > 0.01);
    const again = await train(task, 0, undefined, new Map([["change", change]]));
    assert.ok(Math.max(...readNumbers(again.change).map(Math.abs)) < 0.02);
  });

  it("stays near its params with proximal", async () => {
    const sizeWith = async (proximal: number) => {
      const { change } = await train(create({ ...exact, localSteps: 300, proximal }), 0);
      return Math.max(...readNumbers(change).map(Math.abs));
    };
    const [free, pulled, held] = [await sizeWith(0), await sizeWith(1), await sizeWith(1000)];
    assert.ok(pulled < free && held < 0.05 * free, `${free} ${pulled} ${held}`);
  });

  it("is reproducible, and differs between clients and data seeds", async () => {
    const options = { ...exact, localSteps: 3 };
    const first = await train(create(options), 0);
    assert.deepEqual(await train(create(options), 0), first);
    assert.notDeepEqual(await train(create(options), 1), first);
    assert.notDeepEqual(await train(create({ ...options, dataSeed: 2 }), 0), first);
  });

  it("negated: learns -2·W₁ - D, because tanh is odd", async () => {
    const task = create(exact);
    // The sum with the honest estimate is -2·W₁, which is the same for all clients.
    const sums = [0, 1].map(async (index) => {
      const [honest, negated] = [await train(task, index), await train(task, index, "negated")];
      return readNumbers(honest.change).map(
        (value, i) => value + item(readNumbers(negated.change), i),
      );
    });
    const [one, two] = await Promise.all(sums);
    one?.forEach((value, i) => {
      assert.ok(Math.abs(value - (two?.[i] ?? NaN)) < 0.03);
    });
  });

  it("shuffled: has nothing to learn, and is evaluated on the truth", async () => {
    const task = create({ ...exact, samples: 400, localSteps: 300 });
    const [honest, shuffled] = [await train(task, 0), await train(task, 0, "shuffled")];
    assert.ok(honest.loss < 0.001, String(honest.loss));
    assert.ok(shuffled.loss > 0.1, String(shuffled.loss));
    const mse = await measureMse(task, 0, honest.change);
    assert.equal(await measureMse(task, 0, honest.change, "shuffled"), mse);
  });

  // The reference is a separate program in NumPy: 0.0134 at 240 samples, 0.111 at 60, mean over
  // clients.
  it("has the reference's error when a client trains alone", async () => {
    const mean = async (samples: number) => {
      const task = create({ samples });
      let total = 0;
      for (let k = 0; k < 3; k++) total += await measureMse(task, k, (await train(task, k)).change);
      return total / 3;
    };
    assert.ok(Math.abs((await mean(240)) - 0.0134) < 0.003);
    assert.ok(Math.abs((await mean(60)) - 0.111) < 0.03);
  });

  it("yields to other work while it trains", async () => {
    let turns = 0;
    const count = () => {
      turns++;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await train(create({ ...exact, localSteps: 20 }), 0);
    clearImmediate(immediate);
    assert.ok(turns >= 10);
  });

  it("reports invalid options", () => {
    assert.throws(() => create({ hidden: 4, rank: 5 }), /expected at most hidden = 4, got 5/);
    assert.throws(() => create({ steps: 5 }), /steps/);
    assert.deepEqual(
      [...(network.contaminations?.({} as never).keys() ?? [])],
      ["shuffled", "negated"],
    );
  });
});
