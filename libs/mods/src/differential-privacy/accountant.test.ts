import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { epsilonOf, orders, rdpOf, type Spent } from "./accountant.js";

/** What scripts/privacy-cases.py wrote. */
interface Case extends Spent {
  readonly delta: number;
  /** By order, of all rounds. */
  readonly rdp: Readonly<Record<string, number>>;
  readonly opacus: number;
  /** Among whole orders. */
  readonly dpAccounting: number;
}

const fixture = new URL("../../../fixtures/epsilon.json", import.meta.url);
const cases = JSON.parse(readFileSync(fixture, "utf8")) as readonly Case[];
const whole = orders.filter((order) => Number.isInteger(order));

function assertNear(actual: number, expected: number, of: unknown, tolerance = 1e-6) {
  const error = Math.abs(actual - expected) / Math.abs(expected);
  assert.ok(error <= tolerance, `${JSON.stringify(of)}: ${actual}, expected ${expected}`);
}

/** log of the binomial sum that is A_α where α is whole (Mironov et al., section 3.3): nothing like the code under test. */
function logMomentOfWhole(sigma: number, q: number, order: number): number {
  let [sum, binomial] = [0, 1];
  for (let k = 0; k <= order; k++) {
    sum += binomial * (1 - q) ** (order - k) * q ** k * Math.exp((k * k - k) / (2 * sigma ** 2));
    binomial = (binomial * (order - k)) / (k + 1);
  }
  return Math.log(sum);
}

const spent = fc.record({
  noiseMultiplier: fc.double({ min: 0.2, max: 20, noNaN: true }),
  samplingRate: fc.double({ min: 0.001, max: 1, noNaN: true }),
  rounds: fc.integer({ min: 1, max: 1000 }),
});

describe("the accountant", () => {
  it("agrees with opacus and dp-accounting on a table of cases", () => {
    assert.equal(cases.length, 168);
    for (const one of cases) {
      const { delta, rdp, opacus, dpAccounting } = one;
      assertNear(epsilonOf([one], delta), opacus, one);
      assertNear(epsilonOf([one], delta, whole), dpAccounting, one);
      for (const [order, value] of Object.entries(rdp)) {
        assertNear(one.rounds * rdpOf(one, Number(order)), value, one);
      }
    }
  });

  it("is the closed form of the Gaussian mechanism where everybody takes part", () => {
    // α/2σ² = 2/(2·0.25) a round, three of them, at α = 2: 12, and log(1/2) - log(2δ) more.
    const one = { noiseMultiplier: 0.5, samplingRate: 1, rounds: 3 };
    assert.equal(3 * rdpOf(one, 2), 12);
    assertNear(epsilonOf([one], 0.1, [2]), 12 + Math.log(0.5) - Math.log(0.2), one, 1e-15);
    assert.equal(epsilonOf([{ ...one, noiseMultiplier: 0 }], 0.1), Infinity);
    assert.equal(epsilonOf([{ ...one, samplingRate: 0 }], 0.5), 0);
    assert.equal(epsilonOf([], 0.5), 0);
  });

  it("is the binomial sum at whole orders", () => {
    const order = fc.integer({ min: 2, max: 12 });
    fc.assert(
      fc.property(spent, order, ({ noiseMultiplier, samplingRate }, order) => {
        fc.pre(noiseMultiplier > 0.5 && samplingRate < 1);
        const rdp = rdpOf({ noiseMultiplier, samplingRate }, order);
        const expected = logMomentOfWhole(noiseMultiplier, samplingRate, order) / (order - 1);
        assert.ok(Math.abs(rdp - expected) <= 1e-12 + 1e-9 * expected, `${rdp} ${expected}`);
      }),
    );
  });

  it("falls with the noise and with delta, and grows with rounds and with the sampling rate", () => {
    const factor = fc.double({ min: 1, max: 3, noNaN: true });
    fc.assert(
      fc.property(spent, factor, (one, factor) => {
        const { noiseMultiplier, samplingRate, rounds } = one;
        const epsilon = epsilonOf([one], 1e-5);
        const atMost = (other: Partial<Spent>, delta = 1e-5) => {
          const bound = epsilonOf([{ ...one, ...other }], delta);
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

  it("adds up what is spent in parts", () => {
    const one = { noiseMultiplier: 2, samplingRate: 0.1, rounds: 30 };
    const parts = [
      { ...one, rounds: 10 },
      { ...one, rounds: 20 },
    ];
    assertNear(epsilonOf(parts, 1e-5), epsilonOf([one], 1e-5), one, 1e-12);
  });
});
