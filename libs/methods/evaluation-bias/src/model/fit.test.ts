import { at, item, Matrix, normalTail, stream, thinSvd } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { listCentres, countScores, listEdges, widthOf } from "../federation/grid.js";
import { createBiasedEvaluator } from "./biased-evaluator.js";
import { gaussian } from "./densities.js";
import { evaluateDensity } from "./evaluate-density.js";
import { evaluateHistogram, histogramBase, normalise } from "./evaluate-histogram.js";
import { fitHistogram } from "./fit.js";

const grid = { lo: -5, hi: 5, bins: 50 };
const truth = gaussian(0, 1);
const edges = listEdges(grid);
const reference = edges.slice(1).map((edge, b) => normalTail(item(edges, b)) - normalTail(edge));
const base = histogramBase(listCentres(grid), reference, "squared", widthOf(grid));

/** Computes the root mean square error of (alpha, tau) over seeds. */
function recovery(alpha: number, tau: number, n: number, seeds: number): [number, number] {
  const evaluator = createBiasedEvaluator(truth, "squared", { alpha, tau });
  let [a, t] = [0, 0];
  for (let seed = 0; seed < seeds; seed++) {
    const scores = evaluator.sample(n, stream(seed).at("recovery", alpha, n));
    const fit = fitHistogram(base, normalise(countScores(scores, grid)));
    a += (fit.alpha - alpha) ** 2 / seeds;
    t += (fit.tau - tau) ** 2 / seeds;
  }
  return [Math.sqrt(a), Math.sqrt(t)];
}

describe("the fit of (alpha, tau)", () => {
  it("recovers the exact parameters of a histogram", () => {
    const { pmf, gamma } = evaluateHistogram(base, 2.5, 1.3);
    const fit = fitHistogram(base, pmf);
    assert.ok(Math.abs(fit.alpha - 2.5) < 1e-9 && Math.abs(fit.tau - 1.3) < 1e-9);
    assert.ok(Math.abs(fit.gamma - gamma) < 1e-9);
    assert.equal(fit.status, "OK");
  });

  it("recovers the parameters from samples", () => {
    const within = ([a, t]: [number, number], mostA: number, mostT: number) => {
      assert.ok(a <= mostA && t <= mostT, `${a} ${t}`);
    };
    within(recovery(2, 1.2, 2_000, 24), 0.12, 0.03);
    within(recovery(2, 1.2, 10_000, 24), 0.05, 0.013);
    within(recovery(4, 1.6, 10_000, 24), 0.12, 0.013);
  });

  it("recovers the parameters from a stratified sample", () => {
    const law = evaluateDensity(truth, "squared", 2, 1.2).distribution();
    const scores = Float64Array.from({ length: 2_000 }, (_, i) =>
      law.threshold(1 - (i + 0.5) / 2_000),
    );
    const { alpha, tau } = fitHistogram(base, normalise(countScores(scores, grid)));
    assert.ok(Math.abs(alpha - 1.99683) < 1e-4, `${alpha}`);
    assert.ok(Math.abs(tau - 1.20216) < 1e-4, `${tau}`);
  });

  it("has log densities in a space of dimension 2", () => {
    const columns = [0.5, 1, 3, 8].flatMap((alpha) =>
      [0.9, 1.5].map((tau) => {
        const logs = evaluateHistogram(base, alpha, tau).pmf.map(Math.log);
        const mean = logs.reduce((total, x) => total + x, 0) / logs.length;
        return [...logs.map((x) => x - mean)];
      }),
    );
    const { s } = thinSvd(Matrix.fromRows(columns).transpose());
    assert.ok(at(s, 1) > 1 && at(s, 2) < 1e-10 * at(s, 0), [...s].join(" "));
  });

  it("reports data outside the model: U-shaped, or a single bin", () => {
    const horns = listCentres(grid).map((x) => Math.exp(Math.abs(x)));
    assert.equal(fitHistogram(base, normalise(horns)).status, "OUTSIDE_MODEL");
    const one = new Float64Array(50);
    one[20] = 1;
    const fit = fitHistogram(base, one);
    assert.equal(fit.status, "OUTSIDE_MODEL");
    assert.ok(Number.isNaN(fit.alpha));
  });
});
