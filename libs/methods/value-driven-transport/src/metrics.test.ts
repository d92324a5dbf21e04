import assert from "node:assert/strict";
import { Matrix, stream } from "@fedclair/linalg";
import {
  dualCertificate,
  modeCoverage,
  optimality,
  pathEnergy,
  slicedW2,
  squaredW2,
  straightness,
} from "./metrics.js";

const rows = (...points: number[][]) => Matrix.fromRows(points);

describe("measures of a transport", () => {
  it("W2² is the mean squared distance of the cheapest pairing, also for samples of different sizes", async () => {
    assert.equal(await squaredW2(rows([0, 0], [3, 0]), rows([4, 0], [0, 1])), 1);
    // One point is at distances 1 and 2 from the two others.
    assert.equal(await squaredW2(rows([0, 0]), rows([1, 0], [0, 2])), 2.5);
    await assert.rejects(squaredW2(rows([0, 0]), rows([1])), /2 and 1 dimensions/);
  });

  it("sliced W2² of a sample and its translation is the mean squared projection, half of the squared length", () => {
    const points = new Matrix(50, 2, stream("sliced").normals(100));
    const moved = new Matrix(
      50,
      2,
      points.data.map((x, i) => (i < 50 ? x + 3 : x + 4)),
    );
    assert.ok(Math.abs(slicedW2(points, moved) - 5 / Math.SQRT2) < 1e-12);
  });

  it("path energy, straightness and optimality detect a detour and a crossing", async () => {
    const straight = [rows([0, 0]), rows([1, 0]), rows([2, 0])];
    assert.equal(pathEnergy(straight), 4);
    assert.equal(straightness(straight), 1);
    // The detour takes two steps of length √2 instead of two of length 1.
    assert.ok(Math.abs(straightness([rows([0, 0]), rows([1, 1]), rows([2, 0])]) - 2) < 1e-15);
    // Both points move 3 to the right or left past each other although 1 would suffice: 9 against
    // 1.
    const crossing = [rows([0, 0], [2, 0]), rows([3, 0], [-1, 0])];
    assert.equal(await optimality(crossing), 9);
    assert.throws(() => straightness([rows([0, 0])]), /at least two states/);
  });

  it("mode coverage counts a point once, for its nearest centre, if it is within the radius", () => {
    const centres = rows([0, 0], [1, 0], [9, 9]);
    const points = rows([0.4, 0], [0.6, 0], [0.9, 0.1], [5, 5]);
    assert.deepEqual(modeCoverage(points, centres, 0.45, 0.5), {
      share: [0.25, 0.5, 0],
      covered: 1,
      inside: 0.75,
    });
  });

  it("certificates never exceed W2²/2, and the optimal values reach it", async () => {
    const rng = stream("certificate");
    const x = new Matrix(20, 2, rng.at("x").normals(40));
    const y = new Matrix(
      20,
      2,
      x.data.map((value) => 1.5 * value + 1),
    );
    const half = (await squaredW2(x, y)) / 2;
    for (let k = 0; k < 20; k++) {
      assert.ok(dualCertificate(rng.at("v", k).normals(20), x, y) <= half);
    }
    // The map is the gradient of |x|²·1.5/2 + Σx, so V_0 is |x|²/2 minus that.
    const v0 = Float64Array.from(x.toRows(), ([a = NaN, b = NaN]) => {
      return (-0.5 * (a * a + b * b)) / 2 - a - b;
    });
    assert.ok(Math.abs(dualCertificate(v0, x, y) - half) < 1e-12);
  });
});
