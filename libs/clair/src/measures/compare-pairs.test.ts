import assert from "node:assert/strict";
import type { LowRank } from "@fedclair/core";
import { gaussian, indices, item, stream } from "@fedclair/linalg";
import { gramOf } from "@fedclair/rules";
import { comparePairs, compareRoughly } from "./compare-pairs.js";
import { measureModule, findRowShape, toRowSpaces } from "./module-measures.js";

const rng = stream("pairs");

/** Pairs of 30×25 changes; the second one has dependent rows. */
const pairs: LowRank[] = indices(9).map((k) => {
  const [b, a] = [gaussian(rng.at("b", k), 30, 3), gaussian(rng.at("a", k), 3, 25)];
  if (k === 1) for (let j = 0; j < 25; j++) a.data[2 + 3 * j] = 2 * a.get(0, j);
  return {
    b: { shape: [30, 3], data: b.toRowMajor() },
    a: { shape: [3, 25], data: a.toRowMajor() },
  };
});
const sizes = indices(9).map((k) => 1 + k);

describe("comparePairs", () => {
  const isNear = (x: number, y: number) => Math.abs(x - y) < 1e-5 * (1 + Math.abs(y));

  it("agrees with float64, with all or with a sample and the nearest", async () => {
    const whole = await gramOf([pairs]);
    const exact = (i: number, j: number) => whole.get(i, j) / item(sizes, i) / item(sizes, j);
    const norms = indices(9).map((k) => Math.sqrt(whole.get(k, k)));
    const spaces = measureModule(pairs).rowSpaces;
    const shape = findRowShape(pairs);
    assert.ok(shape && spaces);
    const nearest = indices(9).map((k) => [(k + 1) % 9]);
    for (const others of [undefined, { sample: [2, 5], nearest }]) {
      const { gram, rowProducts } = await comparePairs(pairs, sizes, norms, others);
      const rowSpaces = toRowSpaces(rowProducts, shape);
      for (const j of indices(9)) {
        for (const i of indices(9)) {
          const isCompared = !others || i === j || [2, 5, (j + 1) % 9].includes(i);
          assert.equal(Number.isNaN(gram.get(i, j)), !isCompared, `${i}, ${j}`);
          if (!isCompared) continue;
          assert.ok(isNear(gram.get(i, j), exact(i, j)), `${i}, ${j}`);
          assert.ok(isNear(rowSpaces.get(i, j), spaces.get(i, j)), `${i}, ${j}`);
        }
      }
    }
  });

  it("is the same for sketches of small modules", async () => {
    const whole = await gramOf([pairs]);
    const rough = await compareRoughly(pairs, sizes, 1);
    const expected = whole.get(3, 7) / 4 / 8;
    assert.ok(isNear(rough.get(3, 7), expected));
  });
});
