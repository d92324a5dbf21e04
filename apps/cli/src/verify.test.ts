import assert from "node:assert/strict";
import { compare } from "./verify.js";

describe("compare", () => {
  const summaries = [
    { measures: { recall: 1, gain: 0.02 }, details: [] },
    { measures: { recall: 0.5, gain: 0.0312345 }, details: [] },
  ];
  const rows = (measures: Record<string, { min?: number; max?: number }>) =>
    compare({ expect: { measures } }, summaries);

  it("requires every seed to be within the range, including its ends", () => {
    assert.deepEqual(rows({ gain: { min: 0.02 }, recall: { min: 0.6 } }), [
      { within: true, text: "gain: measured 0.02, 0.03123; expected ≥ 0.02" },
      { within: false, text: "recall: measured 1, 0.5; expected ≥ 0.6" },
    ]);
    assert.equal(rows({ recall: { max: 1 } })[0]?.within, true);
    assert.equal(rows({ gain: { min: 0.01, max: 0.03 } })[0]?.within, false);
  });

  it("does not hold over lost answers, unless the claim has a range for them", () => {
    const lost = { scope: "lost", metric: "lostContaminated", value: 3 } as const;
    const [fine = assert.fail()] = summaries;
    const name = "clients.lostContaminated";
    const lossy = { measures: { ...fine.measures, [name]: 3 }, details: [{ ...lost, name }] };
    const texts = (measures: Record<string, { max: number }>) =>
      compare({ expect: { measures } }, [fine, lossy]).map(({ within, text }) => [within, text]);
    assert.deepEqual(texts({ recall: { max: 1 } }), [
      [false, `${name}: measured absent, 3; expected ≤ 0`],
      [true, "recall: measured 1, 1; expected ≤ 1"],
    ]);
    const tolerant = compare({ expect: { measures: { [name]: { max: 3 } } } }, [lossy]);
    assert.deepEqual(tolerant, [{ within: true, text: `${name}: measured 3; expected ≤ 3` }]);
  });

  it("fails if a measure is absent", () => {
    assert.deepEqual(rows({ recal: { min: 0 } }), [
      { within: false, text: "recal: measured absent, absent; expected ≥ 0" },
    ]);
  });
});
