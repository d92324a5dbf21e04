import assert from "node:assert/strict";
import { coordinateDeviations, coordinateMeans, normalQuantile } from "./statistics.js";

describe("coordinate statistics", () => {
  it("are the mean and the population standard deviation", () => {
    const vectors = [Float64Array.of(1, 5), Float64Array.of(3, 5)];
    const means = coordinateMeans(vectors);
    assert.deepEqual(means, Float64Array.of(2, 5));
    assert.deepEqual(coordinateDeviations(vectors, means), Float64Array.of(1, 0));
  });
});

describe("normalQuantile", () => {
  it("agrees with Python's statistics.NormalDist", () => {
    const table = [
      [0.5, 0],
      [0.75, 0.6744897501960817],
      [0.975, 1.959963984540054],
      [0.999, 3.090232306167813],
      [1 - 2 ** -20, 4.7630010342678135],
    ] as const;
    for (const [p, z] of table) assert.ok(Math.abs(normalQuantile(p) - z) < 1e-10, `p = ${p}`);
  });

  it("rejects a probability outside the upper half", () => {
    for (const p of [0.49, 1, NaN]) assert.throws(() => normalQuantile(p), RangeError);
  });
});
