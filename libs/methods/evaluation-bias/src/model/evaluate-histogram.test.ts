import { stream, at } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { evaluateHistogram, histogramBase, normalise, shannon } from "./evaluate-histogram.js";

const points = Array.from({ length: 15 }, (_, i) => i - 7);
const bell = points.map((x) => Math.exp(-0.5 * (x / 2.5) ** 2));

describe("the evaluation of a histogram", () => {
  it("has the statistics computed by hand for scores 0 and 1, half of the people each", () => {
    const { under, over } = histogramBase([0, 1], [2, 2], "squared");
    assert.deepEqual([...under], [0.5, 0]);
    assert.deepEqual([...over], [0, 0.5]);
    const signed = histogramBase([1, 2], [1, 3], "log");
    assert.deepEqual([...signed.under], [0.75 * Math.log(1 / 2), 0]);
    assert.deepEqual([...signed.over], [0, 0.25 * Math.log(2)]);
  });

  it("beats 200 random pmfs with at least the same entropy, and ln f + I/gamma is constant", () => {
    const base = histogramBase(points, bell, "squared");
    const [alpha, entropy] = [2, 2.2];
    const { gamma, pmf } = evaluateHistogram(base, alpha, entropy);
    const risk = base.under.map((u, i) => u + alpha * at(base.over, i));
    const riskUnder = (p: Float64Array) => p.reduce((total, x, i) => total + x * at(risk, i), 0);
    const levels = pmf.map((p, i) => Math.log(p) + at(risk, i) / gamma);
    assert.ok(Math.max(...levels) - Math.min(...levels) <= 1e-9);
    assert.ok(Math.abs(shannon(pmf) - entropy) <= 1e-12);
    const rng = stream("feasible pmfs");
    let tried = 0;
    while (tried < 200) {
      const noise = rng.dirichlet(points.length, 2);
      const mix = rng.uniform();
      const rival = pmf.map((p, i) => mix * p + (1 - mix) * at(noise, i));
      if (shannon(rival) < entropy) continue;
      assert.ok(riskUnder(rival) > riskUnder(pmf));
      tried++;
    }
  });

  it("rejects an entropy that no pmf has, and empty histograms", () => {
    const base = histogramBase([0, 1], [1, 1], "squared");
    assert.throws(() => evaluateHistogram(base, 1, Math.log(2)), { code: "INFEASIBLE" });
    assert.throws(() => evaluateHistogram(base, 1, 0), { code: "INFEASIBLE" });
    assert.throws(() => evaluateHistogram(base, -1, 0.5), /alpha: expected a finite number > 0/);
    assert.throws(() => histogramBase([0, 1], [0, 0], "squared"), /empty histogram/);
    assert.throws(
      () => histogramBase([0, 1], [1], "squared"),
      /a weight for each of 2 points, got 1/,
    );
    assert.throws(() => histogramBase([0, 1], [1, 1], "log"), /scores above 0/);
    assert.throws(() => normalise([1, -1, 3]), /counts ≥ 0/);
  });
});
