import assert from "node:assert/strict";
import { evaluateHistogram, histogramBase, normalise } from "../src/model/evaluate-histogram.js";
import { fitByGrid } from "./grid-fit.js";

const points = Array.from({ length: 21 }, (_, i) => i - 10);
const pmf = normalise(points.map((x) => Math.exp(-0.5 * (x / 3) ** 2)));
const base = histogramBase(points, pmf, "squared");
const kl = 10 ** 0.1;

describe("the grid fit", () => {
  it("finds a shift too, and counts the mass that it moves off the points", () => {
    const evaluation = evaluateHistogram(base, 1, Math.log(points.length) - kl).pmf;
    const moved = evaluation.map((_, i) => evaluation[i - 3] ?? 0);
    const lost = 1 - moved.reduce((total, p) => total + p, 0);
    const best = fitByGrid(base, moved, { alpha: 1, kl }, 4).at(0);
    assert.equal(best?.shift, 3);
    assert.ok(lost > 1e-9 && Math.abs(best.tv - lost / 2) < 1e-15);
    // A total variation is at most 1, even if nearly all mass is moved off.
    const end = Float64Array.from(points, (_, i) => (i === 20 ? 1 : 0));
    const far = fitByGrid(base, end, { alpha: 1, kl: 2.9 }, 20);
    assert.ok(far.every(({ tv }) => tv <= 1 + 1e-12));
    assert.equal(fitByGrid(base, moved, { alpha: 1, kl }).length, 1);
  });
});
