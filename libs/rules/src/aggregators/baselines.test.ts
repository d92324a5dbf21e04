import { UserError, type Aggregator, type Plugin, type Update } from "@fedclair/core";
import { Matrix, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { product, stackFactors, type Factors } from "./factors.js";
import { fedavg } from "./fedavg/index.js";
import { fedit } from "./fedit/index.js";
import { fedsaLora } from "./fedsa-lora/index.js";
import { ffaLora } from "./ffa-lora/index.js";
import { local } from "./local/index.js";
import { sumTerms } from "@fedclair/core/testing";
import { updateOf } from "../../testing/aggregators/updates.js";

const aggregate = (plugin: Plugin<Aggregator>, updates: readonly Update[], options = {}) =>
  plugin
    .create(plugin.schema.parse(options) as never)
    .aggregate({ round: 1, phase: "train", updates, rng: stream(1) });

const column = (...entries: number[]) => Matrix.fromRows(entries.map((x) => [x]));
const row = (...entries: number[]) => Matrix.fromRows([entries]);

// Two clients with 1 and 3 samples: weights 1/4 and 3/4.
const x: Factors = { b: column(4, 0), a: row(1, 0) };
const y: Factors = { b: column(0, 4), a: row(0, 2) };
const updates = [updateOf("c0", { m: x }, 1), updateOf("c1", { m: y }, 3)];

describe("fedavg", () => {
  it("averages products by samples or uniformly", async () => {
    const bySamples = await aggregate(fedavg, updates);
    assert.deepEqual(sumTerms(bySamples.change).toRows(), [
      [1, 0],
      [0, 6],
    ]);
    const uniform = await aggregate(fedavg, updates, { weighting: "uniform" });
    assert.deepEqual(sumTerms(uniform.change).toRows(), [
      [2, 0],
      [0, 4],
    ]);
    assert.equal(bySamples.personal, undefined);
  });

  it("returns two terms when one client of a module is dense and another is factored", async () => {
    const mixed = [updateOf("c0", { m: Matrix.identity(2) }, 1), updateOf("c1", { m: y }, 3)];
    const { change } = await aggregate(fedavg, mixed);
    assert.equal(change.length, 2);
    assert.deepEqual(sumTerms(change).toRows(), [
      [0.25, 0],
      [0, 6.25],
    ]);
  });

  it("averages tensors of any shape", async () => {
    const bias = (clientId: string, ...entries: number[]): Update => ({
      clientId,
      numExamples: 1,
      delta: new Map([["b", { shape: [2], data: Float32Array.from(entries) }]]),
      metrics: {},
    });
    const { change } = await aggregate(fedavg, [bias("c0", 1, 2), bias("c1", 3, 6)]);
    assert.deepEqual(change[0]?.get("b"), { shape: [2], data: Float64Array.of(2, 4) });
  });

  it("names the client whose module is missing and the shapes that differ", async () => {
    const lacks = [updates[0], updateOf("c1", { other: y })].flatMap((u) => u ?? []);
    await assert.rejects(() => aggregate(fedavg, lacks), /client c1 sent no update of module m/);
    const differs = [updateOf("c0", { m: row(1, 2) }), updateOf("c1", { m: column(1, 2) })];
    await assert.rejects(
      () => aggregate(fedavg, differs),
      /cannot average a 2×1 tensor with a 1×2 one/,
    );
  });
});

describe("fedit", () => {
  it("averages the factors, including the cross terms", async () => {
    const { change } = await aggregate(fedit, updates);
    // B̄ = (1, 3), Ā = (1/4, 3/2)
    assert.deepEqual(sumTerms(change).toRows(), [
      [0.25, 1.5],
      [0.75, 4.5],
    ]);
  });

  const wide = updateOf("c2", { m: stackFactors([x, y], [1, 1]) });

  it("reports a client whose rank differs from the majority as invalid and ignores it", async () => {
    for (const rule of [fedit, fedsaLora]) {
      const without = await aggregate(rule, updates);
      const { verdicts, change, personal } = await aggregate(rule, [...updates, wide]);
      assert.deepEqual(
        verdicts?.map(({ clientId, status }) => [clientId, status]),
        [["c2", "invalid"]],
      );
      assert.deepEqual(change, without.change);
      if (rule === fedsaLora) assert.deepEqual(personal?.get("c2"), [wide.delta]);
    }
  });

  it("rejects unequal ranks without a majority", async () => {
    await assert.rejects(
      () => aggregate(fedit, [...updates.slice(0, 1), wide]),
      (error: unknown) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, /module m has LoRA ranks 1 and 2.*use fedavg/);
        return true;
      },
    );
  });
});

describe("ffa-lora", () => {
  it("averages B and keeps the frozen A", async () => {
    const frozen = [updateOf("c0", { m: x }, 1), updateOf("c1", { m: { b: y.b, a: x.a } }, 3)];
    const { change } = await aggregate(ffaLora, frozen);
    assert.deepEqual(sumTerms(change).toRows(), [
      [1, 0],
      [3, 0],
    ]);
  });

  it("ignores a client that trained its A", async () => {
    const frozen = [updateOf("c0", { m: x }), updateOf("c1", { m: x }), updateOf("c2", { m: y })];
    const { change, verdicts } = await aggregate(ffaLora, frozen);
    assert.deepEqual(
      verdicts?.map(({ clientId, status }) => [clientId, status]),
      [["c2", "invalid"]],
    );
    assert.deepEqual(sumTerms(change), product(x));
  });

  it("rejects updates in which every client trained A", async () => {
    await assert.rejects(
      () => aggregate(ffaLora, updates),
      /factors A of module m differ.*freeze A/,
    );
  });
});

describe("fedsa-lora", () => {
  it("gives every client its own B times the mean A and returns no global change", async () => {
    const { change, personal } = await aggregate(fedsaLora, updates);
    assert.deepEqual(change, []);
    assert.deepEqual(sumTerms(personal?.get("c0") ?? []).toRows(), [
      [1, 6],
      [0, 0],
    ]);
  });
});

describe("local", () => {
  it("gives every client its own change and leaves the shared params alone", async () => {
    const { change, personal } = await aggregate(local, updates);
    assert.deepEqual(change, []);
    assert.deepEqual(personal?.get("c1"), [updates[1]?.delta]);
  });
});
