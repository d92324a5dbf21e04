import { stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { createBiasedEvaluator } from "./biased-evaluator.js";
import { exponential, gaussian, pareto } from "./densities.js";
import { evaluateDensity, createTruth } from "./evaluate-density.js";
import { reduceSkew, shiftTau } from "./interventions.js";
import { histogramDistribution } from "./score-distribution.js";
import { select, type SeatRule } from "./selection.js";

const marks = gaussian(3, 1);
const entropy = 0.5 * Math.log(2 * Math.PI * Math.E);
const truth = createTruth(marks);
const observed = (alpha: number, tau: number) =>
  evaluateDensity(marks, "squared", alpha, tau).distribution();
const setting = (c: number, rule: SeatRule = { name: "none" }, frac2 = 0.5) => ({ c, frac2, rule });

function near(got: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(got - expected) <= tolerance, `${got} is not ${expected} ± ${tolerance}`);
}

describe("distributions of scores", () => {
  it("have the upper means of closed forms", () => {
    const light = createTruth(exponential(2));
    near(light.upperMean(0.1), 0.1 * (Math.log(10) / 2 + 0.5), 1e-12);
    const heavy = createTruth(pareto(3));
    near(heavy.upperMean(0.1), 1.5 * 0.1 ** (2 / 3), 1e-12);
    near(heavy.threshold(0.1), 10 ** (1 / 3), 1e-12);
    near(truth.survival(3), 0.5, 1e-14);
    near(truth.upperMean(1), 3, 1e-12);
  });

  it("are constant within bins for histograms, as computed by hand", () => {
    // Half on [0, 1], half on [1, 3].
    const law = histogramDistribution([0.5, 0.5], [0, 1, 3]);
    assert.equal(law.survival(2), 0.25);
    assert.equal(law.threshold(0.25), 2);
    assert.equal(law.threshold(0.75), 0.5);
    assert.equal(law.upperMean(0.25), 0.25 * 2.5);
    assert.equal(law.upperMean(1), 0.5 * 0.5 + 0.5 * 2);
  });
});

describe("a selection", () => {
  it("has the values of an independent implementation", () => {
    const plain = select(truth, observed(3, entropy), setting(0.05));
    near(plain.ratio, 0.1804, 5e-5);
    near(plain.utility / plain.opt, 0.9752, 5e-5);
    const gainOf = (evaluator: { alpha: number; tau: number }) => {
      const { utility, ratio } = select(
        truth,
        observed(evaluator.alpha, evaluator.tau),
        setting(0.05),
      );
      return [ratio, utility];
    };
    const skewed = { alpha: 3, tau: entropy + 0.3 };
    const before = select(truth, observed(3, entropy + 0.3), setting(0.05)).utility;
    const [lessSkew = NaN, utility = NaN] = gainOf(reduceSkew(skewed, 0.5));
    near(lessSkew, 1.048, 5e-4);
    near(utility / before, 1.0035, 5e-5);
    // With alpha > 1 and tau above the entropy, lowering only tau makes it worse.
    const [lessTau = NaN, lower = NaN] = gainOf(shiftTau(skewed, 0.5, entropy));
    near(lessTau, 0.3343, 5e-5);
    near(lower / before, 0.9912, 5e-5);
  });

  it("is best if seats follow the groups' sizes", () => {
    for (const frac2 of [0.2, 0.5, 0.7]) {
      const { s1, s2, utility, opt } = select(
        truth,
        observed(4, 1),
        setting(0.1, { name: "proportional" }, frac2),
      );
      near(s1, 0.1, 1e-12);
      near(s2, 0.1, 1e-12);
      near(utility, opt, 1e-9);
    }
  });

  it("respects a reservation, and changes nothing if it is already met", () => {
    const law = observed(3, entropy);
    near(select(truth, law, setting(0.1, { name: "atleast", share: 0.4 })).share2, 0.4, 1e-12);
    const free = select(truth, law, setting(0.1));
    assert.deepEqual(select(truth, law, setting(0.1, { name: "atleast", share: 0.1 })), free);
    // Half of the seats are more than group 2 has members, so the others go to group 1.
    const crowded = select(truth, law, setting(0.6, { name: "equal" }, 0.2));
    near(crowded.s2, 1, 1e-12);
    near(crowded.s1, 0.5, 1e-12);
  });

  it("fills all seats, however heavy a tail is", () => {
    for (const [density, loss] of [
      [pareto(1.5), "log"],
      [exponential(0.05), "linear"],
    ] as const) {
      const law = evaluateDensity(density, loss, 0.1, 0.3).distribution();
      const { s1, s2 } = select(createTruth(density), law, setting(0.1, { name: "none" }, 0.3));
      near(0.7 * s1 + 0.3 * s2, 0.1, 1e-11);
    }
  });

  it("samples from the very end of a half line", () => {
    const evaluator = createBiasedEvaluator(exponential(1), "linear", { alpha: 1, tau: 1 });
    const scores = evaluator.sample(20_000, stream("half line"));
    const below = scores.filter((x) => x < 0.003).length / scores.length;
    near(below, 0.003, 0.0015);
    near(scores.reduce((total, x) => total + x, 0) / scores.length, 1, 0.03);
  });

  it("matches simulated people", () => {
    const evaluator = createBiasedEvaluator(marks, "squared", { alpha: 3, tau: entropy });
    const { share2 } = select(truth, evaluator.evaluation.distribution(), setting(0.1));
    near(share2, 0.21468387, 1e-6);
    const [people, seats, runs] = [1000, 200, 400];
    const rng = stream("monte carlo");
    let taken = 0;
    for (let run = 0; run < runs; run++) {
      const scores = [
        ...Array.from({ length: people }, () => ({ score: 3 + rng.normal(), two: 0 })),
        ...Array.from(evaluator.sample(people, rng), (score) => ({ score, two: 1 })),
      ];
      scores.sort((x, y) => y.score - x.score);
      for (const { two } of scores.slice(0, seats)) taken += two;
    }
    near(taken / (runs * seats), share2, 0.006);
  });

  it("observes by rank, so that the same share lies above a score", () => {
    const { observe, evaluation } = createBiasedEvaluator(marks, "squared", { alpha: 3, tau: 1.2 });
    for (const v of [1, 3, 5.5])
      near(evaluation.distribution().survival(observe(v)), truth.survival(v), 1e-12);
  });

  it("rejects shares out of range", () => {
    assert.throws(() => select(truth, truth, setting(0)), /c: expected between 0 and 1, got 0/);
    assert.throws(() => select(truth, truth, setting(0.1, { name: "none" }, 1)), /frac2/);
    assert.throws(
      () => select(truth, truth, setting(0.1, { name: "atleast", share: 2 })),
      /atleast/,
    );
  });
});
