import assert from "node:assert/strict";
import { readNumbers, type Params, type Task } from "@fedclair/core";
import { frobenius, Matrix, subtract, stream, thinSvd } from "@fedclair/linalg";
import { denoising } from "./index.js";
import { startOf } from "../../testing/coordinator.js";

const seed = stream("denoising test");

function create(options: object = {}): Task {
  return denoising.create(denoising.schema.parse(options) as never) as Task;
}

function open(task: Task, index: number) {
  return task.openShard({ index, count: 20, rng: seed.at("client", index) });
}

async function observe(task: Task, index: number, params?: Params): Promise<Matrix> {
  const start = params ?? (await startOf(task, seed));
  const job = {
    round: 1,
    phase: "train",
    rng: seed.at("job"),
    common: seed.at("common"),
    signal: new AbortController().signal,
  };
  const { delta } = await (await open(task, index)).train({ ...job, params: start });
  const signal = delta.get("signal");
  assert.ok(signal !== undefined && "shape" in signal);
  const [rows = 0, cols = 0] = signal.shape;
  return Matrix.fromRowMajor(rows, cols, readNumbers(signal));
}

async function measureError(task: Task, index: number, params: Params): Promise<number> {
  const result = await (await open(task, index)).evaluate?.(params);
  return result?.metrics["error"] ?? NaN;
}

function asParams(signal: Matrix): Params {
  return new Map([["signal", { shape: [signal.rows, signal.cols], data: signal.toRowMajor() }]]);
}

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected} ± ${tolerance}`,
  );
}

/** Counts the dimensions that the columns of both matrices span together. */
function countSpannedDimensions(a: Matrix, b: Matrix): number {
  const both = new Matrix(a.rows, 2 * a.cols, Float64Array.of(...a.data, ...b.data));
  return thinSvd(both).s.filter((value) => value > 1e-10).length;
}

describe("denoising", () => {
  it("shows clients their truth without noise, in one column space of the given rank", async () => {
    const task = create({ p: 6, q: 5, rank: 2, noise: 0 });
    const [one, two] = [await observe(task, 0), await observe(task, 1)];
    assertNear(await measureError(task, 0, asParams(one)), 0, 1e-25);
    assert.ok((await measureError(task, 1, asParams(one))) > 0.1);
    assert.equal(countSpannedDimensions(one, two), 2);
    assert.equal(
      countSpannedDimensions(
        one,
        await observe(create({ p: 6, q: 5, rank: 2, noise: 0, dataSeed: 2 }), 0),
      ),
      4,
    );
  });

  it("has |D|² = rank and an error of noise²·p·q on average", async () => {
    const task = create({ noise: 0.02 });
    let [energy, error] = [0, 0];
    for (let k = 0; k < 200; k++) {
      energy += await measureError(task, k, await startOf(task, seed));
      error += await measureError(task, k, asParams(await observe(task, k)));
    }
    // The means have relative standard deviations of sqrt(2/48/200) = 1.4 % and
    // sqrt(2/384/200) = 0.5 %.
    assertNear(energy / 200, 3, 0.15);
    assertNear(error / 200, 0.0004 * 24 * 16, 0.003);
  });

  it("gives all clients the same matrix at common = 1, and a²·rank of shared energy below 1", async () => {
    const same = create({ noise: 0, common: 1 });
    assertNear(frobenius(subtract(await observe(same, 0), await observe(same, 1))), 0, 1e-12);
    const partly = create({ noise: 0, common: 0.6 });
    let distance = 0;
    for (let k = 0; k < 200; k += 2) {
      distance += frobenius(subtract(await observe(partly, k), await observe(partly, k + 1))) ** 2;
    }
    // E|D_i − D_j|² = 2·(1 − a²)·rank
    assertNear(distance / 100, 2 * (1 - 0.36) * 3, 0.25);
  });

  it("puts heterogeneity outside the shared space, of the given norm", async () => {
    const options = { p: 6, q: 5, rank: 2, noise: 0 };
    const [plain, own] = [create(options), create({ ...options, heterogeneity: 0.3 })];
    const [without, withOwn] = [await observe(plain, 0), await observe(own, 0)];
    const part = subtract(withOwn, without);
    assertNear(frobenius(part), 0.3, 1e-12);
    // It is orthogonal to D, so the energies add up.
    assertNear(frobenius(withOwn) ** 2, frobenius(without) ** 2 + 0.09, 1e-12);
    assertNear(await measureError(own, 0, asParams(withOwn)), 0, 1e-25);
  });

  it("answers with the change from the initial params, the same in every round", async () => {
    const task = create();
    const observation = await observe(task, 3);
    assert.deepEqual(await observe(create(), 3), observation);
    assertNear(frobenius(await observe(task, 3, asParams(observation))), 0, 1e-12);
  });

  it("reports invalid options", () => {
    assert.throws(() => create({ p: 4, rank: 5 }), /expected at most p = 4, got 5/);
    assert.throws(() => create({ common: 1.5 }), /common/);
    assert.throws(() => create({ p: 3, heterogeneity: 1 }), /nothing lies outside 3 of 3/);
    assert.throws(() => create({ sigma: 1 }), /sigma/);
  });
});
