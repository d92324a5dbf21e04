import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { stream } from "@fedclair/linalg";
import {
  adjustByHolm,
  excludesZero,
  formatEstimate,
  meanInterval,
  pairedDifference,
  pairedPValue,
  shareDifference,
  sharePValue,
  wilsonInterval,
  type Interval,
} from "./intervals.js";

interface Cases {
  readonly means: readonly ({ readonly values: number[]; readonly mean: number } & Interval)[];
  readonly pairs: readonly ({
    readonly pairs: [number, number][];
    readonly mean: number;
  } & Interval)[];
  readonly shares: readonly ({ readonly hits: number; readonly total: number } & Interval)[];
}

const fixture = new URL("../../../fixtures/intervals.json", import.meta.url);

function assertClose(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined);
  const error = Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
  assert.ok(error < 1e-11, `expected ${expected}, got ${actual}`);
}

function assertInterval(actual: Interval | undefined, { low, high }: Interval): void {
  assertClose(actual?.low, low);
  assertClose(actual?.high, high);
}

/** Number of synthetic studies in a simulation. */
const studies = 1000;

function countCovered(covers: (study: number) => boolean): number {
  return Array.from({ length: studies }, (_, study) => covers(study)).filter(Boolean).length;
}

describe("intervals", () => {
  let cases: Cases;
  before(async () => {
    cases = JSON.parse(await readFile(fixture, "utf8")) as Cases;
  });

  it("of means are those of SciPy", () => {
    for (const { values, mean, ...interval } of cases.means) {
      const estimate = meanInterval(values);
      assertClose(estimate.mean, mean);
      assertInterval(estimate.interval, interval);
    }
  });

  it("of equal values have no width, although their sum is rounded", () => {
    const { mean, interval } = meanInterval([0.2, 0.2, 0.2]);
    assert.deepEqual([mean, interval], [0.2, { low: 0.2, high: 0.2 }]);
  });

  it("of paired differences are those of SciPy", () => {
    for (const { pairs, mean, ...interval } of cases.pairs) {
      const estimate = pairedDifference(pairs);
      assertClose(estimate.mean, mean);
      assertInterval(estimate.interval, interval);
    }
  });

  it("of shares are those of SciPy", () => {
    for (const { hits, total, ...interval } of cases.shares)
      assertInterval(wilsonInterval(hits, total), interval);
  });

  it("of differences of shares are those of Newcombe's paper, with a width for 0 of a few", () => {
    const share = (hits: number, of: number) => ({ hits, of, ...wilsonInterval(hits, of) });
    // Newcombe 1998, table II: contrasts (a) and (h), method 10.
    const { mean, interval } = shareDifference(share(56, 70), share(48, 80));
    assertClose(mean, 0.2);
    assert.deepEqual([interval.low.toFixed(4), interval.high.toFixed(4)], ["0.0524", "0.3339"]);
    const none = shareDifference(share(0, 10), share(0, 10)).interval;
    assert.deepEqual([none.low.toFixed(4), none.high.toFixed(4)], ["-0.2775", "0.2775"]);
  });

  it("can be checked by hand", () => {
    // The standard deviation of 1 and 3 is √2, and t with 1 degree of freedom is tan(0.475 π).
    const { mean, n, interval } = meanInterval([1, 3]);
    assert.deepEqual([mean, n], [2, 2]);
    assertInterval(interval, {
      low: 2 - Math.tan(0.475 * Math.PI),
      high: 2 + Math.tan(0.475 * Math.PI),
    });
    // One of the equal values differs in its last bit.
    assert.equal(formatEstimate(meanInterval([1, 1, 1 + 2 ** -52])), "1 ± 0 (3)");
    assert.deepEqual(meanInterval([5]), { mean: 5, n: 1, interval: undefined });
    assert.deepEqual(meanInterval([2, 2, 2]).interval, { low: 2, high: 2 });
    assert.throws(() => meanInterval([]), /expected at least one value/);
  });

  it("of no hits and of all hits have a width, and stay within 0 and 1", () => {
    assert.equal(wilsonInterval(0, 4).low, 0);
    assertClose(wilsonInterval(0, 4).high, 1.959963984540054 ** 2 / (4 + 1.959963984540054 ** 2));
    assert.equal(wilsonInterval(4, 4).high, 1);
    for (const [hits, total] of [
      [-1, 4],
      [5, 4],
      [0, 0],
    ] as const)
      assert.throws(() => wilsonInterval(hits, total), RangeError);
  });

  it("exclude zero unless it lies within them", () => {
    assert.equal(excludesZero({ low: 0.1, high: 0.2 }), true);
    assert.equal(excludesZero({ low: -0.2, high: -0.1 }), true);
    assert.equal(excludesZero({ low: -0.1, high: 0.1 }), false);
    assert.equal(excludesZero({ low: 0, high: 0 }), false);
  });

  // Each simulation draws studies whose true value is known, and counts the intervals with it.
  for (const seeds of [3, 10]) {
    it(`of means over ${seeds} seeds cover the true mean in 93–97 % of studies`, () => {
      const covered = countCovered((study) => {
        const values = stream("means").at(seeds, study).normals(seeds);
        const { interval } = meanInterval([...values].map((value) => 0.8 + 0.05 * value));
        return interval !== undefined && interval.low <= 0.8 && interval.high >= 0.8;
      });
      assert.ok(covered >= 0.93 * studies && covered <= 0.97 * studies, String(covered));
    });
  }

  it("of paired differences cover in 93–97 % and are narrower than unpaired ones", () => {
    let [paired, unpaired] = [0, 0];
    const covered = countCovered((study) => {
      const rng = stream("pairs").at(study);
      const pairs = Array.from({ length: 10 }, (): [number, number] => {
        const [shared = 0, own = 0, other = 0] = rng.normals(3); // what a seed does to both methods
        return [0.8 + 0.05 * shared + 0.01 * own, 0.79 + 0.05 * shared + 0.01 * other];
      });
      const { interval } = pairedDifference(pairs);
      assert.ok(interval);
      paired += interval.high - interval.low;
      const alone = meanInterval(pairs.map(([value]) => value)).interval;
      unpaired += alone ? alone.high - alone.low : NaN;
      return interval.low <= 0.01 && interval.high >= 0.01;
    });
    assert.ok(covered >= 0.93 * studies && covered <= 0.97 * studies, String(covered));
    assert.ok(paired < 0.5 * unpaired);
  });

  for (const share of [0.1, 0.5, 0.85]) {
    it(`of ${share} of 60 clients cover the true share in 93–97 % of studies`, () => {
      const covered = countCovered((study) => {
        const rng = stream("shares").at(String(share), study);
        const flagged = Array.from({ length: 60 }, () => rng.uniform() < share);
        const { low, high } = wilsonInterval(flagged.filter(Boolean).length, 60);
        return low <= share && high >= share;
      });
      assert.ok(covered >= 0.93 * studies && covered <= 0.97 * studies, String(covered));
    });
  }
});

describe("p-values", () => {
  it("are SciPy's, of a paired test and of two shares", () => {
    const paired = pairedPValue(meanInterval([0.1, 0.25, 0.4, 0.05]));
    assert.ok(Math.abs(paired - 0.08543743614799887) < 1e-12); // ttest_1samp
    const share = (hits: number, of: number) => ({ hits, of, ...wilsonInterval(hits, of) });
    const shares = sharePValue(share(12, 40), share(5, 38));
    assert.ok(Math.abs(shares - 0.07172747073223594) < 1e-12); // norm.sf
    assert.deepEqual(
      [[1], [1, 1], [0, 0]].map((values) => pairedPValue(meanInterval(values))),
      [1, 0, 1],
    );
    assert.equal(sharePValue(share(0, 40), share(0, 38)), 1);
  });

  it("are adjusted as in Holm's example", () => {
    const adjusted = adjustByHolm([0.01, 0.04, 0.03, 0.005]);
    assert.deepEqual(
      adjusted.map((p) => Number(p.toFixed(12))),
      [0.03, 0.06, 0.06, 0.02],
    );
    assert.deepEqual(adjustByHolm([0.5, 0.9]), [1, 1]);
  });
});
