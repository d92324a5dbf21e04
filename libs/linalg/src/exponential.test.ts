import assert from "node:assert/strict";
import fc from "fast-check";
import { at } from "./at.js";
import { expInPlace, tanhInPlace } from "./exponential.js";

function tanh(...numbers: number[]): Float64Array {
  const out = Float64Array.from(numbers);
  tanhInPlace(out);
  return out;
}

describe("expInPlace", () => {
  it("is Math.exp within a few units of the last place, and constant beyond its limits", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -708, max: 708, noNaN: true })), (numbers) => {
        const out = Float64Array.from(numbers);
        expInPlace(out);
        out.forEach((y, i) => {
          const expected = Math.exp(at(Float64Array.from(numbers), i));
          assert.ok(Math.abs(y - expected) <= 1e-15 * expected, `${numbers[i]}: ${y}, ${expected}`);
        });
      }),
      { numRuns: 1000 },
    );
    const out = Float64Array.of(-Infinity, -1e9, Infinity, NaN, 0);
    expInPlace(out);
    const [least, most] = [Math.exp(-708), Math.exp(708)];
    [least, least, most].forEach((expected, i) => {
      assert.ok(Math.abs(at(out, i) - expected) <= 1e-15 * expected);
    });
    assert.deepEqual([...out.subarray(3)], [NaN, 1]);
  });
});

describe("tanhInPlace", () => {
  it("is Math.tanh within a few units of the last place, also near 0", () => {
    const numbers = fc.array(
      fc.oneof(
        fc.double({ min: -25, max: 25, noNaN: true }),
        fc.double({ min: -1e-3, max: 1e-3, noNaN: true }),
        fc.double({ noNaN: true }),
      ),
    );
    fc.assert(
      fc.property(numbers, (x) => {
        tanh(...x).forEach((y, i) => {
          const expected = Math.tanh(at(Float64Array.from(x), i));
          const least = 1e-300; // a denormal number may lose its last bits
          const error = Math.abs(y - expected);
          assert.ok(error <= 1e-15 * Math.abs(expected) + least, `${x[i]}: ${y}, ${expected}`);
        });
      }),
      { numRuns: 1000 },
    );
  });

  it("is odd at its limits, and keeps NaN", () => {
    assert.deepEqual([...tanh(Infinity, -Infinity, 400, -400, 0)], [1, -1, 1, -1, 0]);
    assert.ok(Number.isNaN(at(tanh(NaN), 0)));
  });
});
