import assert from "node:assert/strict";
import fc from "fast-check";
import { item } from "@fedclair/linalg";
import {
  beta,
  exponential,
  gaussian,
  laplace,
  pareto,
  getRisk,
  uniform,
  type Density,
} from "./densities.js";
import { computeEntropy, evaluateDensity } from "./evaluate-density.js";
import type { Loss } from "./losses.js";

function near(got: number | null, expected: number, relative = 1e-6, absolute = 0): void {
  const off = Math.abs((got ?? NaN) - expected);
  assert.ok(off <= absolute + relative * Math.abs(expected), `${got} is not ${expected}`);
}

const entropy = 0.5 * Math.log(2 * Math.PI * Math.E);

/**
 * Computes Σ (-c)ⁿ/(n!(S+n)) = c^(-S)·γ(S, c), the lower incomplete gamma function of the closed
 * forms.
 */
function gammaSeries(s: number, c: number): number {
  let term = 1;
  let total = 0;
  for (let n = 0; n < 200; n++) {
    total += term / (s + n);
    term *= -c / (n + 1);
  }
  return total;
}

describe("the optimal evaluation", () => {
  it("equals the closed forms for alpha = 1", () => {
    const tau = 1.2;
    const normal = evaluateDensity(gaussian(3, 2), "squared", 1, tau);
    near(normal.gamma, Math.exp(2 * tau - 1) / Math.PI, 1e-12);
    near(normal.variance, Math.exp(2 * tau - 1) / (2 * Math.PI), 1e-12);
    near(normal.mean, 3, 1e-12);
    near(normal.pdf(3), 1 / Math.sqrt(Math.PI * normal.gamma), 1e-12);

    const heavy = evaluateDensity(pareto(3), "log", 1, 0.2);
    const b = 1 / heavy.gamma - 1;
    near(1 + 1 / b - Math.log(b), 0.2, 1e-12);
    near(heavy.mean, b / (b - 1), 1e-12);
    near(heavy.pdf(2), b * 2 ** (-b - 1), 1e-12);

    near(evaluateDensity(exponential(2), "linear", 1, 0.7).gamma, Math.exp(0.7 - 1), 1e-12);
    near(evaluateDensity(exponential(2), "linear", 1, 0.7).mean, Math.exp(0.7 - 1), 1e-12);

    const { gamma, pdf } = evaluateDensity(uniform(1, 4), "squared", 1, 0.5);
    near(pdf(2) / pdf(2.5), Math.exp(-0.25 / gamma), 1e-12);
  });

  it("has the ln Z of the incomplete gamma function for alpha > 1", () => {
    for (const [alpha, tau] of [
      [2, 0.2],
      [5, 0.6],
    ] as const) {
      const { gamma, lnZ } = evaluateDensity(pareto(3), "log", alpha, tau);
      const c = (alpha - 1) / (3 * gamma);
      const s = (alpha / gamma - 1) / 3;
      near(lnZ, alpha / (3 * gamma) - Math.log(3) + Math.log(gammaSeries(s, c)), 1e-9);

      const light = evaluateDensity(exponential(1), "linear", alpha, tau);
      const k = (alpha - 1) / light.gamma;
      near(light.lnZ, alpha / light.gamma + Math.log(gammaSeries(alpha / light.gamma, k)), 1e-9);
    }
  });

  const kinds: [Density, Loss, number, number, [number, number]][] = [
    [gaussian(0, 1), "squared", 3, 1.6, [-30, 30]],
    [uniform(0, 1), "squared", 0.4, -0.7, [0, 1]],
    [exponential(1), "linear", 3, 0.7, [0, 60]],
    [laplace(0, 1), "absolute", 2, 1.5, [-60, 60]],
    [beta(2, 5), "absolute", 2, -0.6, [0, 1]],
  ];
  for (const [density, loss, alpha, tau, [lo, hi]] of kinds) {
    it(`has the requested entropy (${density.kind}, ${loss}) by Simpson's rule`, () => {
      const { pdf } = evaluateDensity(density, loss, alpha, tau);
      const steps = density.kind === "beta" ? 400 : 20_000; // each of its risks is a quadrature
      const h = (hi - lo) / steps;
      let [mass, plogp] = [0, 0];
      for (let i = 0; i <= steps; i++) {
        const p = pdf(lo + i * h);
        const weight = ((i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2) * h) / 3;
        mass += weight * p;
        if (p > 0) plogp -= weight * p * Math.log(p);
      }
      near(mass, 1, 1e-6);
      near(plogp, tau, 0, 1e-6);
    });
  }

  it("moves and stretches with the true scores, and is mirrored by 1/alpha", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.3, max: 8, noNaN: true }),
        fc.double({ min: -0.5, max: 2, noNaN: true }),
        (alpha, tau) => {
          const one = evaluateDensity(gaussian(0, 1), "squared", alpha, tau);
          const moved = evaluateDensity(gaussian(5, 3), "squared", alpha, tau + Math.log(3));
          near(moved.gamma, 9 * one.gamma, 1e-9);
          near(moved.mean, 5 + 3 * (one.mean ?? NaN), 1e-9);
          const mirrored = evaluateDensity(gaussian(0, 1), "squared", 1 / alpha, tau);
          near(mirrored.gamma, one.gamma / alpha, 1e-9);
          near(mirrored.pdf(0.8), one.pdf(-0.8), 1e-9);
        },
      ),
      { numRuns: 12 },
    );
  });

  it("widens with tau, while the mean falls with alpha except for the exponential", () => {
    const rising = (values: (number | null)[]) => {
      values.slice(1).forEach((value, i) => {
        assert.ok((value ?? NaN) > (values[i] ?? NaN), values.join(" "));
      });
    };
    const byTau = [0.9, 1.4, 1.9].map((tau) => evaluateDensity(gaussian(0, 1), "squared", 3, tau));
    rising(byTau.map(({ gamma }) => gamma));
    rising(byTau.map(({ variance }) => variance));
    const means = (density: Density, loss: Loss, tau: number) =>
      [1, 2, 4, 8].map((alpha) => evaluateDensity(density, loss, alpha, tau).mean);
    rising(means(gaussian(0, 1), "squared", entropy).toReversed());
    const heavy = means(pareto(3), "log", computeEntropy(pareto(3)));
    rising(heavy.toReversed());
    const light = means(exponential(1), "linear", 1);
    rising(light);
    // Values for alpha = 1, 2, 4, 8, from an independent implementation.
    [1.5, 1.4799, 1.4736, 1.4715].forEach((mean, i) => {
      near(item(heavy, i), mean, 0, 5e-5);
    });
    [1, 1.0031, 1.0078, 1.0112].forEach((mean, i) => {
      near(item(light, i), mean, 0, 5e-5);
    });
  });

  it("shrinks to the expectile, -0.276 for N(0, 1) and alpha = 2", () => {
    near(evaluateDensity(gaussian(0, 1), "squared", 2, -3).mean, -0.27605, 0, 1e-5);
    near(evaluateDensity(gaussian(0, 1), "squared", 2, -9).mean, -0.276045, 0, 2e-5);
  });

  it("reports problems without a solution, and moments that do not exist", () => {
    const infeasible = { code: "INFEASIBLE", message: /tau = 0: expected less than ln\(1\) = 0/ };
    assert.throws(() => evaluateDensity(uniform(0, 1), "squared", 1, 0), infeasible);
    assert.throws(() => evaluateDensity(uniform(0, 1), "squared", 0, -1), { code: "BAD_ARGUMENT" });
    assert.throws(() => evaluateDensity(gaussian(0, 1), "squared", 1, NaN), {
      code: "BAD_ARGUMENT",
    });
    assert.throws(() => evaluateDensity(pareto(3), "log", 1, 30), { code: "INFEASIBLE" });
    const { mean, variance, gamma } = evaluateDensity(pareto(3), "log", 2, 1.4);
    assert.ok(2 / gamma > 2 && 2 / gamma < 3, "a mean, but no variance");
    assert.ok(mean !== null && variance === null);
    assert.equal(evaluateDensity(pareto(3), "log", 2, 3).mean, null);
  });

  it("never evaluates outside the support", () => {
    const { pdf, distribution } = evaluateDensity(uniform(0, 1), "squared", 2, -0.2);
    assert.equal(pdf(-0.01), 0);
    assert.equal(pdf(1.01), 0);
    assert.equal(distribution().survival(0), 1);
    assert.ok(getRisk(uniform(0, 1), "squared")(1).under === 0);
  });
});
