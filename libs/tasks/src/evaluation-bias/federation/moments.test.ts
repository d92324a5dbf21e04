import assert from "node:assert/strict";
import { Matrix } from "@fedclair/linalg";
import { evaluateHistogram, normalised } from "../model/evaluate-histogram.js";
import { fitHistogram } from "../model/fit.js";
import { simulate } from "../../../testing/evaluation-bias.js";
import { scoreModel } from "./basis.js";
import { fitColumn, momentsOf, pooled } from "./moments.js";

const { model, moments, pooledCounts } = simulate(1, 4, []);

describe("moments", () => {
  it("are means and variances of features: hand arithmetic", () => {
    const psi = Matrix.fromRows([
      [1, -1],
      [0, 2],
    ]);
    const { matrix, counts, variances } = momentsOf(psi, [Float64Array.of(3, 1)]);
    assert.deepEqual([...matrix.data], [0.5, 0.5]);
    assert.deepEqual([...counts], [4]);
    // Var of ±1 at 3:1 is 0.75, of 0 and 2 at 3:1 the same.
    assert.deepEqual([...variances], [1.5]);
  });

  it("of a panel of too few people are withheld, and weigh nothing", () => {
    const small = momentsOf(model.psi, [Float64Array.from({ length: 50 }, () => 1)], 51);
    assert.deepEqual([...small.counts], [0]);
    assert.ok(small.matrix.data.every((x) => x === 0));
    const full = momentsOf(model.psi, [Float64Array.from({ length: 50 }, () => 1)], 50);
    assert.deepEqual([...pooled([small, full], 0)], [...full.matrix.column(0)]);
  });

  it("use features orthonormal under the weight, and orthogonal to 1", () => {
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

  it("tell (alpha, tau) exactly", () => {
    const { pmf } = evaluateHistogram(model.base, 3, 1.2);
    const { matrix } = momentsOf(model.psi, [pmf], 0);
    const fit = fitColumn(model, matrix.column(0));
    assert.ok(Math.abs(fit.alpha - 3) < 1e-9 && Math.abs(fit.tau - 1.2) < 1e-9);
  });

  it("pooled over institutions fit as the pooled histogram does", () => {
    pooledCounts.forEach((counts, j) => {
      const federated = fitColumn(model, pooled(moments, j));
      const central = fitHistogram(model.base, normalised(counts));
      assert.ok(Math.abs(federated.alpha - central.alpha) <= 1e-9);
      assert.ok(Math.abs(federated.tau - central.tau) <= 1e-9);
    });
  });

  it("cannot be made of a reference that is as even as can be", () => {
    const even = Float64Array.from({ length: 50 }, () => 0.02);
    assert.throws(() => scoreModel(even, model.grid), { code: "INFEASIBLE" });
  });
});
