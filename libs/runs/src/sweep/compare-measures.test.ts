import assert from "node:assert/strict";
import { compareMeasures } from "./compare-measures.js";

describe("compareMeasures", () => {
  const summaryOf = (measures: Readonly<Record<string, number>>) => ({
    measures,
    details: Object.entries(measures).map(([name, value]) => {
      return { name, scope: "clients", metric: name, value } as const;
    }),
  });
  const summaries = [
    summaryOf({ recall: 1, gain: 0.02 }),
    summaryOf({ recall: 0.5, gain: 0.0312345 }),
  ];
  type Range = { min?: number; max?: number; of?: "every" | "mean" | "interval" };
  const rows = (measures: Record<string, Range>) =>
    compareMeasures({ expect: { measures } }, summaries);

  it("requires every seed to be within the range, including its ends", () => {
    assert.deepEqual(rows({ gain: { min: 0.02 }, recall: { min: 0.6 } }), [
      { within: true, text: "gain: measured 0.02, 0.03123; expected ≥ 0.02" },
      { within: false, text: "recall: measured 1, 0.5; expected ≥ 0.6" },
    ]);
    assert.equal(rows({ recall: { max: 1 } })[0]?.within, true);
    assert.equal(rows({ gain: { min: 0.01, max: 0.03 } })[0]?.within, false);
  });

  it("requires the mean, or the whole interval of the mean, to be within the range", () => {
    assert.deepEqual(rows({ recall: { of: "mean", min: 0.75 } }), [
      { within: true, text: "recall: measured mean 0.75 (2); expected mean ≥ 0.75" },
    ]);
    assert.equal(rows({ recall: { of: "mean", min: 0.76 } })[0]?.within, false);
    // Half of the difference, 0.25, times the t of one degree of freedom, 12.706.
    assert.deepEqual(rows({ recall: { of: "interval", min: 0 } }), [
      {
        within: false,
        text: "recall: measured mean 0.75 [-2.427, 3.927] (2); expected 95 % interval ≥ 0",
      },
    ]);
    assert.equal(rows({ recall: { of: "interval", min: -2.43, max: 3.93 } })[0]?.within, true);
    assert.equal(rows({ recall: { of: "interval", min: -2.43, max: 3.92 } })[0]?.within, false);
    assert.deepEqual(rows({ recal: { of: "mean", max: 1 } })[0]?.within, false);
    const [one] = compareMeasures(
      { expect: { measures: { gain: { of: "interval", min: 0 } } } },
      summaries.slice(0, 1),
    );
    assert.deepEqual(one, {
      within: false,
      text: "gain: measured 0.02, and one seed has no interval; expected 95 % interval ≥ 0",
    });
  });

  it("takes a measure without an arm from the main arm", () => {
    const name = "error.clair";
    const measured = { name, scope: "clients", metric: "error", arm: "clair", value: 2 } as const;
    const summary = { measures: { [name]: 2 }, details: [measured] };
    const claim = { expect: { measures: { error: { max: 2 } } } };
    const within = (label: string) =>
      compareMeasures(claim, [summary], [{ label }, { label: "local" }]).map((row) => row.within);
    assert.deepEqual([within("clair"), within("local")], [[true], [false]]);
  });

  it("does not hold over lost answers, unless the claim has a range for them", () => {
    const lost = { scope: "lost", metric: "lostContaminated", value: 3 } as const;
    const [fine = assert.fail()] = summaries;
    const name = "clients.lostContaminated";
    const lossy = {
      measures: { ...fine.measures, [name]: 3 },
      details: [...fine.details, { ...lost, name }],
    };
    const texts = (measures: Record<string, { max: number }>) =>
      compareMeasures({ expect: { measures } }, [fine, lossy]).map(({ within, text }) => [
        within,
        text,
      ]);
    assert.deepEqual(texts({ recall: { max: 1 } }), [
      [false, `${name}: measured absent, 3; expected ≤ 0`],
      [true, "recall: measured 1, 1; expected ≤ 1"],
    ]);
    const tolerant = compareMeasures({ expect: { measures: { [name]: { max: 3 } } } }, [lossy]);
    assert.deepEqual(tolerant, [{ within: true, text: `${name}: measured 3; expected ≤ 3` }]);
  });

  it("fails if a measure is absent", () => {
    assert.deepEqual(rows({ recal: { min: 0 } }), [
      { within: false, text: "recal: measured absent, absent; expected ≥ 0" },
    ]);
  });
});
