import assert from "node:assert/strict";
import { type Dense, readNumbers, type LocalTrainer, type Params, type Task } from "@fedclair/core";
import { stream, item } from "@fedclair/linalg";
import { linearRegression } from "./index.js";
import { startOf } from "../../testing/coordinator.js";

const seed = stream("linear-regression test");

function create(options: object = {}): Task {
  return linearRegression.create(linearRegression.schema.parse(options) as never) as Task;
}

function open(task: Task, index: number): Promise<LocalTrainer> {
  return task.openShard({ index, count: 20, rng: seed.at("client", index) });
}

async function train(task: Task, index: number, params: Params) {
  const client = await open(task, index);
  const job = {
    round: 1,
    phase: "train",
    params,
    rng: seed.at("job"),
    common: seed.at("common"),
    signal: new AbortController().signal,
  };
  return client.train(job);
}

async function measure(task: Task, index: number, params: Params) {
  const client = await open(task, index);
  const result = await client.evaluate?.(params);
  return result?.metrics ?? {};
}

/** Returns the client's least-squares estimate, starting from zero. */
async function estimate(task: Task, index: number): Promise<Dense> {
  const result = await train(task, index, await startOf(task, seed));
  const weights = result.delta.get("weights");
  assert.ok(weights !== undefined && "data" in weights);
  return weights;
}

function asParams(weights: Dense): Params {
  return new Map([["weights", weights]]);
}

function assertNear(actual: number | undefined, expected: number, tolerance: number): void {
  const off = Math.abs((actual ?? NaN) - expected);
  assert.ok(off <= tolerance, `${actual ?? NaN} is not ${expected} ± ${tolerance}`);
}

describe("linear-regression", () => {
  it("starts from zero weights, p×q, float64", async () => {
    const weights = (await startOf(create({ p: 4, q: 2, samples: 8 }), seed)).get("weights");
    assert.deepEqual(weights, { shape: [4, 2], data: new Float64Array(8) });
  });

  it("recovers the true weights exactly without noise", async () => {
    const task = create({ p: 4, q: 2, samples: 8, noise: 0 });
    const metrics = await measure(task, 0, asParams(await estimate(task, 0)));
    assertNear(metrics["error"], 0, 1e-20);
    assertNear(metrics["loss"], 0, 1e-20);
  });

  it("gives every client weights in one column space of the given rank", async () => {
    const task = create({ p: 4, q: 1, rank: 1, samples: 4, noise: 0 });
    const { data: one } = await estimate(task, 0);
    const { data: two } = await estimate(task, 1);
    const ratio = item(two, 0) / item(one, 0);
    assert.notEqual(ratio, 1);
    one.forEach((value, i) => {
      assertNear(two[i], ratio * value, 1e-9);
    });
    const { data: other } = await estimate(
      create({ p: 4, q: 1, rank: 1, samples: 4, noise: 0, dataSeed: 2 }),
      0,
    );
    assert.ok(Math.abs(item(other, 1) / item(other, 0) - item(one, 1) / item(one, 0)) > 1e-3);
  });

  it("is reproducible, and differs between clients", async () => {
    const options = { p: 4, q: 2, samples: 8 };
    const first = await train(create(options), 3, await startOf(create(options), seed));
    const again = await train(create(options), 3, await startOf(create(options), seed));
    assert.deepEqual(again, first);
    assert.notDeepEqual(await estimate(create(options), 4), first.delta.get("weights"));
  });

  it("answers with the change from the initial params", async () => {
    const task = create({ p: 4, q: 2, samples: 8 });
    const fromZero = await estimate(task, 0);
    const again = (await train(task, 0, asParams(fromZero))).delta.get("weights");
    assert.ok(again !== undefined && "shape" in again);
    readNumbers(again).forEach((change) => {
      assertNear(change, 0, 1e-12);
    });
  });

  it("minimises its loss + μ/2·|change|² with proximal", async () => {
    const [task, proximal] = [create({ p: 3, q: 2, samples: 9 }), 0.7];
    const pulled = create({ p: 3, q: 2, samples: 9, proximal });
    const start = { shape: [3, 2], data: Float64Array.of(1, 2, 3, 4, 5, 6) };
    const { delta } = await train(pulled, 0, asParams(start));
    const change = delta.get("weights");
    assert.ok(change !== undefined && "data" in change);
    const lossAt = async (i: number, by: number) => {
      const data = start.data.map((x, j) => x + item(change.data, j) + (j === i ? by : 0));
      return (await train(task, 0, asParams({ shape: [3, 2], data }))).metrics["loss"] ?? NaN;
    };
    for (let i = 0; i < 6; i++) {
      // The loss is quadratic, so the central difference is its slope.
      const slope = ((await lossAt(i, 0.5)) - (await lossAt(i, -0.5))) / 1;
      assertNear(slope, -proximal * item(change.data, i), 1e-9);
    }
  });

  it("measures 0 at the truth, |D|² at zero, and a loss of noise² + error/q", async () => {
    const quiet = create({ p: 4, q: 2, samples: 8, noise: 0 });
    const truth = await estimate(quiet, 0);
    const norm = [...readNumbers(truth)].reduce((sum, value) => sum + value * value, 0);
    const atZero = await measure(quiet, 0, await startOf(quiet, seed));
    assertNear(atZero["error"], norm, 1e-12);

    const noisy = create({ p: 4, q: 2, samples: 20_000, noise: 0.5 });
    const loss = (await measure(noisy, 0, await startOf(noisy, seed)))["loss"];
    assertNear(loss, 0.25 + norm / 2, 0.05 * (0.25 + norm / 2));
    assertNear((await measure(noisy, 0, asParams(truth)))["loss"], 0.25, 0.01);
  });

  it("has a mean error of noise²·p·q/(samples − p − 1), by the mean of an inverse Wishart matrix", async () => {
    const task = create({ p: 4, q: 5, samples: 45, noise: 2 });
    let total = 0;
    for (let k = 0; k < 400; k++) {
      total += (await measure(task, k, asParams(await estimate(task, k))))["error"] ?? NaN;
    }
    // 4·4·5/40 = 2. The relative standard deviation is about sqrt(2/20) for a client's error, and
    // 1.6 % for the mean of 400 clients.
    assertNear(total / 400, 2, 0.1);
  });

  it("reports invalid options", () => {
    assert.throws(() => create({ p: 4, rank: 5 }), /expected at most p = 4, got 5/);
    assert.throws(() => create({ p: 4, samples: 3 }), /expected at least p = 4, got 3/);
    assert.throws(() => create({ sample: 100 }), /sample/);
  });
});
