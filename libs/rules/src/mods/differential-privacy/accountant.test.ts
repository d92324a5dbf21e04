import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { computeEpsilon, orders, computeRdp, type MechanismUse } from "./accountant.js";

/** A case written by scripts/privacy-cases.py. */
interface Case extends MechanismUse {
  readonly delta: number;
  /** Rényi divergence of all rounds, by order. */
  readonly rdp: Readonly<Record<string, number>>;
  readonly opacus: number;
  /** Minimum over whole orders. */
  readonly dpAccounting: number;
}

const fixture = new URL("../../../../fixtures/mods/epsilon.json", import.meta.url);
const cases = JSON.parse(readFileSync(fixture, "utf8")) as readonly Case[];
const whole = orders.filter((order) => Number.isInteger(order));

function assertNear(actual: number, expected: number, of: unknown, tolerance = 1e-6) {
  const error = Math.abs(actual - expected) / Math.abs(expected);
  assert.ok(error <= tolerance, `${JSON.stringify(of)}: ${actual}, expected ${expected}`);
}

/**
 * Log of the binomial sum that equals A_α for whole α (Mironov et al., section 3.3), independent of
 * the code under test.
 */
function logMomentOfWhole(sigma: number, q: number, order: number): number {
  let [sum, binomial] = [0, 1];
  for (let k = 0; k <= order; k++) {
    sum += binomial * (1 - q) ** (order - k) * q ** k * Math.exp((k * k - k) / (2 * sigma ** 2));
    binomial = (binomial * (order - k)) / (k + 1);
  }
  return Math.log(sum);
}

const anyUse = fc.record({
  noiseMultiplier: fc.double({ min: 0.2, max: 20, noNaN: true }),
  samplingRate: fc.double({ min: 0.001, max: 1, noNaN: true }),
  rounds: fc.integer({ min: 1, max: 1000 }),
});

describe("the accountant", () => {
  it("agrees with opacus and dp-accounting on a table of cases", () => {
    assert.equal(cases.length, 168);
    for (const one of cases) {
      const { delta, rdp, opacus, dpAccounting } = one;
      assertNear(computeEpsilon([one], delta), opacus, one);
      assertNear(computeEpsilon([one], delta, whole), dpAccounting, one);
      for (const [order, value] of Object.entries(rdp)) {
        assertNear(one.rounds * computeRdp(one, Number(order)), value, one);
      }
    }
  });

  it("is the closed form of the Gaussian mechanism if every client always takes part", () => {
    // α/2σ² = 2/(2·0.25) per round, times three, at α = 2: 12; plus log(1/2) - log(2δ).
    const one = { noiseMultiplier: 0.5, samplingRate: 1, rounds: 3 };
    assert.equal(3 * computeRdp(one, 2), 12);
    assertNear(computeEpsilon([one], 0.1, [2]), 12 + Math.log(0.5) - Math.log(0.2), one, 1e-15);
    assert.equal(computeEpsilon([{ ...one, noiseMultiplier: 0 }], 0.1), Infinity);
    assert.equal(computeEpsilon([{ ...one, samplingRate: 0 }], 0.5), 0);
    assert.equal(computeEpsilon([], 0.5), 0);
  });

  it("is the binomial sum at whole orders", () => {
    const order = fc.integer({ min: 2, max: 12 });
    fc.assert(
      fc.property(anyUse, order, ({ noiseMultiplier, samplingRate }, order) => {
        fc.pre(noiseMultiplier > 0.5 && samplingRate < 1);
        const rdp = computeRdp({ noiseMultiplier, samplingRate }, order);
        const expected = logMomentOfWhole(noiseMultiplier, samplingRate, order) / (order - 1);
        assert.ok(Math.abs(rdp - expected) <= 1e-12 + 1e-9 * expected, `${rdp} ${expected}`);
      }),
    );
  });

  it("decreases with the noise and with delta, and increases with rounds and with the sampling rate", () => {
    const factor = fc.double({ min: 1, max: 3, noNaN: true });
    fc.assert(
      fc.property(anyUse, factor, (one, factor) => {
        const { noiseMultiplier, samplingRate, rounds } = one;
        const epsilon = computeEpsilon([one], 1e-5);
        const atMost = (other: Partial<MechanismUse>, delta = 1e-5) => {
          const bound = computeEpsilon([{ ...one, ...other }], delta);
          assert.ok(epsilon <= bound * (1 + 1e-9) + 1e-12, `${epsilon} ${bound}`);
        };
        atMost({ noiseMultiplier: noiseMultiplier / factor });
        atMost({ samplingRate: Math.min(1, samplingRate * factor) });
        atMost({ rounds: rounds + 1 });
        atMost({}, 1e-5 / factor);
      }),
      { numRuns: 30 },
    );
  });

  it("adds up the costs of parts", () => {
    const one = { noiseMultiplier: 2, samplingRate: 0.1, rounds: 30 };
    const parts = [
      { ...one, rounds: 10 },
      { ...one, rounds: 20 },
    ];
    assertNear(computeEpsilon(parts, 1e-5), computeEpsilon([one], 1e-5), one, 1e-12);
  });
});
