import assert from "node:assert/strict";
import { Matrix } from "@fedclair/linalg";
import { evaluateHistogram, normalise } from "../model/evaluate-histogram.js";
import { fitHistogram } from "../model/fit.js";
import { simulate } from "../../testing/institutions.js";
import { createScoreModel } from "./basis.js";
import { fitColumn, computeMoments, poolMoments } from "./moments.js";

const { model, moments, pooledCounts } = simulate(1, 4, []);

describe("moments", () => {
  it("are means and variances of features, as computed by hand", () => {
    const psi = Matrix.fromRows([
      [1, -1],
      [0, 2],
    ]);
    const { matrix, counts, variances } = computeMoments(psi, [Float64Array.of(3, 1)]);
    assert.deepEqual([...matrix.data], [0.5, 0.5]);
    assert.deepEqual([...counts], [4]);
    // The variance of ±1 at 3:1 is 0.75, and so is that of 0 and 2 at 3:1.
    assert.deepEqual([...variances], [1.5]);
  });

  it("are withheld for a panel with too few people, and get no weight", () => {
    const small = computeMoments(model.psi, [Float64Array.from({ length: 50 }, () => 1)], 51);
    assert.deepEqual([...small.counts], [0]);
    assert.ok(small.matrix.data.every((x) => x === 0));
    const full = computeMoments(model.psi, [Float64Array.from({ length: 50 }, () => 1)], 50);
    assert.deepEqual([...poolMoments([small, full], 0)], [...full.matrix.column(0)]);
  });

  it("use features that are orthonormal under the weight and orthogonal to 1", () => {
    const { psi, weight } = model;
    const inner = (f: (b: number) => number) => weight.reduce((total, w, b) => total + w * f(b), 0);
    for (let k = 0; k < psi.rows; k++) {
      assert.ok(Math.abs(inner((b) => psi.get(k, b))) < 1e-12);
      for (let l = 0; l <= k; l++) {
        const product = inner((b) => psi.get(k, b) * psi.get(l, b));
        assert.ok(Math.abs(product - (k === l ? 1 : 0)) < 1e-12, `${k} ${l} ${product}`);
      }
    }
  });

  it("determine (alpha, tau) exactly", () => {
    const { pmf } = evaluateHistogram(model.base, 3, 1.2);
    const { matrix } = computeMoments(model.psi, [pmf], 0);
    const fit = fitColumn(model, matrix.column(0));
    assert.ok(Math.abs(fit.alpha - 3) < 1e-9 && Math.abs(fit.tau - 1.2) < 1e-9);
  });

  it("fit the same when pooled over institutions as the pooled histogram", () => {
    pooledCounts.forEach((counts, j) => {
      const federated = fitColumn(model, poolMoments(moments, j));
      const central = fitHistogram(model.base, normalise(counts));
      assert.ok(Math.abs(federated.alpha - central.alpha) <= 1e-9);
      assert.ok(Math.abs(federated.tau - central.tau) <= 1e-9);
    });
  });

  it("are impossible for an almost uniform reference", () => {
    const even = Float64Array.from({ length: 50 }, () => 0.02);
    assert.throws(() => createScoreModel(even, model.grid), { code: "INFEASIBLE" });
  });
});
