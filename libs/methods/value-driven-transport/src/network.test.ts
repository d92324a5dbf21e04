import assert from "node:assert/strict";
import { Matrix, stream, at } from "@fedclair/linalg";
import {
  initialNetwork,
  inputsOf,
  moduleNames,
  spatialGradient,
  values,
  sumOfValues,
  type Network,
} from "./network.js";

const rng = stream("value network");
const network = initialNetwork(6, 5, rng);
const points = new Matrix(4, 2, rng.at("points").normals(8));
const times = [0, 0.3, 0.9, 0.5];
const condition = [0, 1, 0];
const weights = Float64Array.of(0.5, -2, 1, 0.25);

/** Computes the central difference of `f` as one entry moves by ±δ, accurate to about 1e-9 here. */
function computeSlope(
  f: (entries: Float64Array) => number,
  point: Float64Array,
  i: number,
): number {
  const delta = 1e-5;
  const evaluateShifted = (by: number) => f(point.map((x, k) => (k === i ? x + by : x)));
  return (evaluateShifted(delta) - evaluateShifted(-delta)) / (2 * delta);
}

function assertNear(got: number, expected: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(got - expected) <= tolerance, `${what}: ${got} is not ${expected}`);
}

describe("value network", () => {
  it("is tanh(tanh([x, t, c]·W1 + b1)·W2 + b2)·W3 + b3", () => {
    const one = (x: number) => Matrix.fromRows([[x]]);
    const tiny: Network = {
      W1: Matrix.fromRows([[1], [2], [-1]]),
      b1: one(0.5),
      W2: one(3),
      b2: one(-1),
      W3: one(2),
      b3: 7,
    };
    const inputs = inputsOf(Matrix.fromRows([[0.1]]), 0.25, [1]);
    assert.deepEqual(inputs.toRows(), [[0.1, 0.25, 1]]);
    const expected = 2 * Math.tanh(3 * Math.tanh(0.1 + 0.5 - 1 + 0.5) - 1) + 7;
    assertNear(at(values(tiny, inputs), 0), expected, 1e-15, "V");
  });

  it("draws initial weights uniform in ±1/√(fan in), with b3 = 0", () => {
    const { W1, b1, W2, b2, W3, b3 } = initialNetwork(3, 400, rng.at("large"));
    for (const [name, matrix, bound] of [
      ["W1", W1, 1 / Math.sqrt(3)],
      ["b1", b1, 1 / Math.sqrt(3)],
      ["W2", W2, 1 / 20],
      ["b2", b2, 1 / 20],
      ["W3", W3, 1 / 20],
    ] as const) {
      const most = matrix.data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      assert.ok(most <= bound && most > 0.95 * bound, `${name}: ${most} of ${bound}`);
    }
    assert.equal(b3, 0);
  });

  it("has a spatial gradient that agrees with finite differences", () => {
    const slope = spatialGradient(network, inputsOf(points, times, condition), 2);
    assert.deepEqual([slope.rows, slope.cols], [4, 2]);
    for (let i = 0; i < points.data.length; i++) {
      const total = (entries: Float64Array) => {
        const v = values(network, inputsOf(new Matrix(4, 2, entries), times, condition));
        return v.reduce((sum, x) => sum + x, 0);
      };
      assertNear(at(slope.data, i), computeSlope(total, points.data, i), 1e-8, `entry ${i}`);
    }
  });

  it("has a weight gradient that agrees with finite differences, in every module", () => {
    const inputs = inputsOf(points, times, condition);
    const { gradient, value, b3 } = sumOfValues(network, inputs, weights);
    const v = values(network, inputs);
    assertNear(
      value,
      v.reduce((sum, x, k) => sum + x * at(weights, k), 0),
      1e-12,
      "value",
    );
    assertNear(b3, -0.25, 1e-15, "b3");
    for (const name of moduleNames) {
      const { rows, cols, data } = network[name];
      assert.equal(gradient[name].data.length, data.length);
      for (let i = 0; i < data.length; i++) {
        const f = (entries: Float64Array) => {
          const moved = { ...network, [name]: new Matrix(rows, cols, entries) };
          return sumOfValues(moved, inputs, weights).value;
        };
        assertNear(at(gradient[name].data, i), computeSlope(f, data, i), 1e-8, `${name}[${i}]`);
      }
    }
  });
});
