import assert from "node:assert/strict";
import { gaussian, Matrix, stream, thinSvd, at } from "@fedclair/linalg";
import { vectorToTensor } from "../robust/blocks.js";
import { computeOutlierScores, findOutliers, sampleIndices } from "./outliers.js";
import { gramOf } from "../robust/gram.js";

describe("computeOutlierScores", () => {
  it("is proportional to the squared projections on the leading direction of the centered points", async () => {
    const x = gaussian(stream("dnc"), 5, 8); // columns are points
    const gram = await gramOf([
      Array.from({ length: 8 }, (_, k) => vectorToTensor(x.column(k).slice())),
    ]);
    const centered = x.copy();
    for (let i = 0; i < 5; i++) {
      let mean = 0;
      for (let k = 0; k < 8; k++) mean += x.get(i, k) / 8;
      for (let k = 0; k < 8; k++) centered.column(k)[i] = x.get(i, k) - mean;
    }
    const { v } = thinSvd(centered);
    const leading = v.column(0);
    computeOutlierScores(gram).forEach((score, k) => {
      assert.ok(Math.abs(score - at(leading, k) ** 2) < 1e-12);
    });
  });
});

describe("findOutliers", () => {
  it("returns the points furthest along that direction", () => {
    const line = [0, 9, 1, 0, -9, 1];
    const gram = Matrix.fromRows(line.map((x) => line.map((y) => x * y)));
    assert.deepEqual(findOutliers(gram, 2), [1, 4]);
    assert.deepEqual(findOutliers(gram, 0), []);
  });
});

describe("sampleIndices", () => {
  it("draws every index equally often, and none twice", () => {
    const counts = new Float64Array(6);
    for (let trial = 0; trial < 3000; trial++) {
      const drawn = sampleIndices(stream("sample").at(trial), 6, 2);
      assert.equal(new Set(drawn).size, 2);
      for (const i of drawn) counts[i] = at(counts, i) + 1;
    }
    // 1000 times each are expected; five standard deviations are 129.
    assert.ok(
      counts.every((count) => Math.abs(count - 1000) < 129),
      counts.join(" "),
    );
  });

  it("draws all indices", () => {
    assert.deepEqual(sampleIndices(stream(1), 3, 3), [0, 1, 2]);
  });
});
