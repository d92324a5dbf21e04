import assert from "node:assert/strict";
import { toDense } from "@fedclair/core";
import { addScaled, gaussian, item, Matrix, stream } from "@fedclair/linalg";
import { distance } from "../../testing/measure.js";
import { idOf, updateOf } from "@fedclair/rules/testing";
import { bestPair, blendToPairs, clair, clairSchema } from "../index.js";
import { product } from "@fedclair/rules";

const rng = stream("blends");
/** Clients of LoRA ranks 2 and 3, with 1, 2, 3 … examples. */
const factors = Array.from({ length: 5 }, (_, k) => {
  const own = rng.at(k);
  const rank = 2 + (k % 2);
  return { b: gaussian(own.at("b"), 14, rank), a: gaussian(own.at("a"), rank, 11) };
});
const updates = factors.map((pair, k) => ({
  ...updateOf(idOf(k), { m: pair }),
  numExamples: k + 1,
}));

function blended(k: number, weights: readonly number[], own: number, others: number): Matrix {
  const out = new Matrix(14, 11);
  const rest = weights.reduce((total, weight, j) => (j === k ? total : total + weight), 0);
  factors.forEach((pair, j) => {
    addScaled(out, j === k ? own : (others * item(weights, j)) / rest, product(pair));
  });
  return out;
}

describe("blends of changes", () => {
  for (const weighting of ["uniform", "samples"] as const) {
    for (const [own, others] of [
      [0.5, 0.5],
      [1, 0.5],
      [0, 1],
    ] as const) {
      it(`are the best pairs of ${own} own + ${others} mean of the others, ${weighting}`, async () => {
        const options = clairSchema.parse({
          rule: "gap",
          minBenignFraction: 1,
          rank: 2,
          weighting,
        });
        const result = await clair(updates, options);
        const pairs = (await blendToPairs(result, options, { own, others })).get("m");
        assert.equal(pairs?.size, 5);
        const weights = factors.map((_, k) => (weighting === "uniform" ? 1 : k + 1));
        factors.forEach(({ b }, k) => {
          const { pair, tail } = pairs.get(idOf(k)) ?? {};
          assert.ok(pair !== undefined && tail !== undefined);
          const expected = bestPair(blended(k, weights, own, others), b.cols);
          assert.deepEqual(pair.b.shape, [14, b.cols]);
          assert.ok(distance(toDense(pair), product(expected)) < 1e-10);
          assert.ok(Math.abs(tail - expected.tail) < 1e-10);
        });
      });
    }
  }

  it("are the own change if there is nobody else", async () => {
    const options = clairSchema.parse({ rule: "gap", minBenignFraction: 1, rank: 2 });
    const result = await clair(updates.slice(0, 1), options);
    const blend = { own: 0.5, others: 0.5 };
    const { pair } = (await blendToPairs(result, options, blend)).get("m")?.get(idOf(0)) ?? {};
    assert.ok(pair && distance(toDense(pair), product(item(factors, 0))) < 1e-10);
  });

  it("are rejected for dense changes", async () => {
    const options = clairSchema.parse({ rule: "gap", rank: 1 });
    const dense = [1, 2, 3].map((k) =>
      updateOf(idOf(k), { m: gaussian(rng.at("dense", k), 4, 5) }),
    );
    const result = await clair(dense, options);
    await assert.rejects(blendToPairs(result, options, { own: 0.5, others: 0.5 }), TypeError);
  });
});
