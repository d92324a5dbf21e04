import assert from "node:assert/strict";
import {
  beta,
  exponential,
  gaussian,
  gaussianMixture,
  laplace,
  pareto,
  getRisk,
  truncatedNormal,
  uniform,
  type Density,
} from "./densities.js";
import { computeEntropy } from "./evaluate-density.js";
import { losses, type Loss } from "./losses.js";
import { ModelError } from "./model-error.js";

/** Computes ∫ f by Simpson's rule, independently of the code under test. */
function simpson(f: (x: number) => number, lo: number, hi: number, steps = 20_000): number {
  const h = (hi - lo) / steps;
  let total = f(lo) + f(hi);
  for (let i = 1; i < steps; i++) total += (i % 2 === 1 ? 4 : 2) * f(lo + i * h);
  return (total * h) / 3;
}

const e = Math.exp(1);
/**
 * Density, loss, score, range to integrate over (its kinks on even nodes), and entropy if there is
 * a formula.
 */
const all: [Density, Loss, number, [number, number], number | undefined][] = [
  [gaussian(1, 2), "squared", 0.3, [-20, 22], 0.5 * Math.log(2 * Math.PI * e * 4)],
  [
    gaussianMixture([
      { weight: 1, mean: -1, sd: 0.5 },
      { weight: 3, mean: 2, sd: 1 },
    ]),
    "squared",
    0.4,
    [-12, 14],
    undefined,
  ],
  [uniform(1, 4), "squared", 2.2, [1, 4], Math.log(3)],
  [uniform(1, 4), "log", 2.2, [1, 4], Math.log(3)],
  [pareto(3), "log", 1.4, [1, 4000], 1 + 1 / 3 - Math.log(3)],
  [exponential(2), "linear", 0.7, [0, 30], 1 - Math.log(2)],
  [laplace(0.5, 1), "absolute", -0.2, [-40, 34.8], 1 + Math.log(2)],
  [beta(2, 5), "squared", 0.3, [0, 1], undefined],
  [truncatedNormal(1, 1, 0.5, 3), "absolute", 1.2, [0.5, 3], undefined],
];

describe("densities of true scores", () => {
  for (const [density, loss, x, [lo, hi], entropy] of all) {
    it(`${density.kind}, ${loss}: U and O match Simpson's rule`, () => {
      const ell = losses[loss];
      const part = (from: number, to: number) =>
        // In ln v, to cover the long tail of the Pareto density.
        density.kind === "pareto"
          ? simpson(
              (y) => ell(Math.exp(y), x) * density.pdf(Math.exp(y)) * Math.exp(y),
              Math.log(from),
              Math.log(to),
            )
          : simpson((v) => ell(v, x) * density.pdf(v), from, to);
      const { under, over } = getRisk(density, loss)(x);
      assert.ok(Math.abs(under - part(x, hi)) < 1e-8, `U ${under}`);
      assert.ok(Math.abs(over - part(lo, x)) < 1e-8, `O ${over}`);
      if (entropy !== undefined) assert.ok(Math.abs(computeEntropy(density) - entropy) < 1e-12);
    });
  }

  it("a mixture has the mixture of the risks, with normalised weights", () => {
    const parts = [gaussian(-1, 0.5), gaussian(2, 1)];
    const mixture = gaussianMixture([
      { weight: 1, mean: -1, sd: 0.5 },
      { weight: 3, mean: 2, sd: 1 },
    ]);
    const [a, b] = parts.map((part) => getRisk(part, "squared")(0.4).over);
    const expected = 0.25 * (a ?? NaN) + 0.75 * (b ?? NaN);
    assert.ok(Math.abs(getRisk(mixture, "squared")(0.4).over - expected) < 1e-14);
  });

  it("rejects a loss under which the risk diverges, and parameters out of range", () => {
    assert.throws(
      () => getRisk(pareto(3), "squared"),
      /loss squared of a pareto density: expected log/,
    );
    assert.throws(() => getRisk(uniform(0, 1), "log"), ModelError);
    assert.throws(() => gaussian(0, 0), /standard deviation: expected a finite number > 0, got 0/);
    assert.throws(() => uniform(1, 1), /expected a < b/);
    assert.throws(() => gaussianMixture([]), /no components/);
  });
});
