import assert from "node:assert/strict";
import { coordinateDeviations, coordinateMeans } from "./statistics.js";

describe("coordinate statistics", () => {
  it("are the mean and the population standard deviation", () => {
    const vectors = [Float64Array.of(1, 5), Float64Array.of(3, 5)];
    const means = coordinateMeans(vectors);
    assert.deepEqual(means, Float64Array.of(2, 5));
    assert.deepEqual(coordinateDeviations(vectors, means), Float64Array.of(1, 0));
  });
});
