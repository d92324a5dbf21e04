import assert from "node:assert/strict";
import { toTensor, type TensorDelta } from "@fedclair/core";
import { frobenius, gaussian, Matrix, stream, subtract, at } from "@fedclair/linalg";
import { toLowRank, product, type Factors } from "../factors.js";
import { gramOf, squaredDistances } from "./gram.js";
import { createPoints, createPointsFromGram } from "./points.js";

const rng = stream("gram");
// Unequal ranks, and more clients than the width of a panel of the Gram matrix.
const count = 19;
const factors: readonly Factors[] = Array.from({ length: count }, (_, k) => ({
  b: gaussian(rng, 9, 1 + (k % 3)),
  a: gaussian(rng, 1 + (k % 3), 7),
}));
const pairs: readonly TensorDelta[] = factors.map(toLowRank);
const dense: readonly TensorDelta[] = factors.map((f) => toTensor(product(f)));
const mixed = pairs.map((pair, k) => (k % 2 === 0 ? pair : (dense[k] ?? pair)));

function near(got: Matrix, expected: Matrix): void {
  assert.ok(frobenius(subtract(got, expected)) < 1e-12 * frobenius(expected));
}

describe("gramOf", () => {
  const expected = new Matrix(count, count);
  factors.forEach((x, i) => {
    factors.forEach((y, j) => {
      const [xs, ys] = [product(x).data, product(y).data];
      expected.data[i + j * count] = xs.reduce((total, v, e) => total + v * at(ys, e), 0);
    });
  });

  it("returns the same for pairs, for their products, and for a mix of both", async () => {
    for (const changes of [pairs, dense, mixed]) {
      const gram = await gramOf([changes]);
      near(gram, expected);
      assert.deepEqual(gram.transpose(), gram);
    }
  });

  it("adds up modules", async () => {
    near(await gramOf([pairs, dense]), expected.scale(2));
  });
});

describe("squaredDistances", () => {
  it("returns the squared distances of the products", async () => {
    const column = (...entries: number[]) => Matrix.fromRows(entries.map((x) => [x]));
    const row = (...entries: number[]) => Matrix.fromRows([entries]);
    const x = toLowRank({ b: column(4, 0), a: row(1, 0) });
    const y = toLowRank({ b: column(0, 4), a: row(0, 2) });
    assert.deepEqual(squaredDistances(await gramOf([[x, y, x]])).toRows(), [
      [0, 80, 0],
      [80, 0, 80],
      [0, 80, 0],
    ]);
  });
});

describe("points", () => {
  it("have the same distances from numbers as from the Gram matrix", async () => {
    const weights = stream("weights").normals(count);
    const byNumbers = await (await createPoints([dense, dense])).around(weights);
    const byGram = await createPointsFromGram(await gramOf([dense, dense])).around(weights);
    assert.ok(Math.abs(byNumbers.norm - byGram.norm) < 1e-12 * byGram.norm);
    byNumbers.distances.forEach((x, k) => {
      assert.ok(Math.abs(x - at(byGram.distances, k)) < 1e-12 * x);
    });
  });

  it("have hand-checked norms and distances", async () => {
    const line = [1, 2, 10].map((x): TensorDelta => ({ shape: [1], data: Float64Array.of(x) }));
    const points = await createPoints([line]);
    assert.deepEqual(await points.around(Float64Array.of(1, 1, 0)), {
      norm: 3,
      distances: Float64Array.of(2, 1, 7),
    });
  });
});
