import assert from "node:assert/strict";
import fc from "fast-check";
import { quickselect } from "./quickselect.js";

// Few distinct numbers, so that many are equal.
const numbers = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 40 });

describe("quickselect", () => {
  it("puts the k-th smallest number at k, with smaller ones before and larger ones after it", () => {
    fc.assert(
      fc.property(numbers, fc.nat(), (entries, any) => {
        const k = any % entries.length;
        const x = Float64Array.from(entries);
        const found = quickselect(x, k);
        assert.equal(found, Float64Array.from(entries).sort()[k]);
        assert.equal(x[k], found);
        assert.ok(x.subarray(0, k).every((y) => y <= found));
        assert.ok(x.subarray(k).every((y) => y >= found));
        assert.deepEqual(x.toSorted(), Float64Array.from(entries).sort());
      }),
    );
  });

  it("leaves entries before `from` alone", () => {
    const x = Float64Array.of(9, 8, 3, 1, 2);
    assert.equal(quickselect(x, 2, 2), 1);
    assert.deepEqual(x.subarray(0, 2), Float64Array.of(9, 8));
  });

  it("takes linear time for equal numbers", () => {
    // One at a time, this would take 5·10⁹ steps.
    assert.equal(quickselect(new Float64Array(100_000), 50_000), 0);
  });
});
