import assert from "node:assert/strict";
import { Matrix, stream, at } from "@fedclair/linalg";
import { computeLossAndGradient, computeMeanSquare, predictLayer } from "./model.js";

const rng = stream("network model test");

function gaussian(rows: number, cols: number, key: string): Matrix {
  return new Matrix(rows, cols, rng.at(key).normals(rows * cols));
}

describe("the model of network", () => {
  it("is W₂·tanh((W₁ + D)·x): 2·tanh(0.5 + 0.25) of one unit, twice", () => {
    const one = (value: number) => Matrix.fromRows([[value]]);
    const y = predictLayer({ w1: one(2), w2: one(2) }, one(1), Matrix.fromRows([[0.25, -0.25]]));
    assert.deepEqual([...y.data], [2 * Math.tanh(0.75), 2 * Math.tanh(-0.75)]);
  });

  it("has the loss of its predictions, and a gradient that agrees with central differences", () => {
    const base = { w1: gaussian(3, 2, "w1"), w2: gaussian(4, 3, "w2") };
    const [change, x, y] = [gaussian(3, 2, "d"), gaussian(2, 7, "x"), gaussian(4, 7, "y")];
    const { loss, gradient } = computeLossAndGradient(base, change, x, y);
    assert.ok(Math.abs(loss - computeMeanSquare(predictLayer(base, change, x), y)) < 1e-14);
    change.data.forEach((value, i) => {
      const lossAt = (entry: number) => {
        const moved = change.copy();
        moved.data[i] = entry;
        return computeMeanSquare(predictLayer(base, moved, x), y);
      };
      const difference = (lossAt(value + 1e-5) - lossAt(value - 1e-5)) / 2e-5;
      assert.ok(Math.abs(at(gradient.data, i) - difference) < 1e-8);
    });
  });
});
