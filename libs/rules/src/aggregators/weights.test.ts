import assert from "node:assert/strict";
import { loadRegistry, type AggregatorPlugin, type Update } from "@fedclair/core";
import { sumTerms } from "@fedclair/core/testing";
import { Matrix, stream } from "@fedclair/linalg";
import { idOf, updateOf } from "../../testing/aggregators/updates.js";
import { aggregatorLoaders } from "./loaders.js";
import { computeWeights, SampleCounter } from "./weights.js";

const aggregators = await loadRegistry<AggregatorPlugin>(aggregatorLoaders);

const claims = (...counts: number[]): Update[] =>
  counts.map((count, k) => updateOf(idOf(k), { m: Matrix.fromRows([[k]]) }, count));

/** Nine clients send 0 and one sends 1, with a claimed number of samples. */
async function aggregate(name: string, claimed: number, options: object = {}) {
  const updates = Array.from({ length: 10 }, (_, k) =>
    updateOf(idOf(k), { m: Matrix.fromRows([[k === 9 ? 1 : 0]]) }, k === 9 ? claimed : 100),
  );
  const plugin = aggregators.get(name);
  assert.ok(plugin);
  const rule = plugin.create(plugin.schema.parse(options) as never);
  const { change, notice } = await rule.aggregate({
    round: 1,
    phase: "train",
    updates,
    rng: stream(1),
  });
  return { value: sumTerms(change, "m").get(0, 0), notice };
}

describe("weights by samples", () => {
  it("count a claimed number up to ten times the median", () => {
    assert.deepEqual(
      [...computeWeights(claims(1, 1, 1, 10, 1), "samples")],
      [1, 1, 1, 10, 1].map((n) => n / 14),
    );
    assert.deepEqual(
      computeWeights(claims(1, 1, 1, Number.MAX_SAFE_INTEGER, 1), "samples"),
      computeWeights(claims(1, 1, 1, 10, 1), "samples"),
    );
    assert.deepEqual(
      [...computeWeights(claims(1, 1, Number.MAX_SAFE_INTEGER), "uniform")],
      [1 / 3, 1 / 3, 1 / 3],
    );
  });

  it("keep one client from owning fedavg, and say so", async () => {
    const { value, notice } = await aggregate("fedavg", Number.MAX_SAFE_INTEGER);
    assert.ok(Math.abs(value - 1000 / 1900) < 1e-12);
    assert.equal(
      notice,
      "more examples than 1000, 10 times the median (exampleLimit), count as that many: c09 with 9007199254740991",
    );
    const less = await aggregate("fedavg", Number.MAX_SAFE_INTEGER, { exampleLimit: 1 });
    assert.ok(Math.abs(less.value - 0.1) < 1e-12);
    const usual = await aggregate("fedavg", 1000);
    assert.equal(usual.notice, undefined);
  });

  it("are not the default of robust rules", async () => {
    assert.ok((await aggregate("geometric-median", Number.MAX_SAFE_INTEGER)).value < 1e-4);
    const clipped = await aggregate("norm-clip", Number.MAX_SAFE_INTEGER, { most: 1 });
    assert.ok(Math.abs(clipped.value - 0.1) < 1e-12);
    const claimed = await aggregate("norm-clip", Number.MAX_SAFE_INTEGER, {
      most: 1,
      weighting: "samples",
    });
    assert.ok(Math.abs(claimed.value - 1000 / 1900) < 1e-12);
    assert.match(claimed.notice ?? "", /c09 with 9007199254740991/);
  });

  it("use the median of the first part of a round that is counted in parts", () => {
    const counter = new SampleCounter({ weighting: "samples", exampleLimit: 2 });
    assert.deepEqual([...counter.count(claims(3, 4, 5))], [3, 4, 5]);
    assert.deepEqual(counter.told, {});
    assert.deepEqual([...counter.count(claims(9, 100))], [8, 8]);
    assert.match(counter.told.notice ?? "", /^more examples than 8, .*: c00 with 9 and 1 more$/);
  });
});
