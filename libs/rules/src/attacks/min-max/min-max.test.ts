import assert from "node:assert/strict";
import fc from "fast-check";
import { at } from "@fedclair/linalg";
import { minMax } from "./index.js";

describe("min-max", () => {
  it("moves as far as the two honest vectors are apart", () => {
    // μ = 1, u = 1, D = 2: the distance of 1 - γ from 2 may be 2.
    assert.deepEqual(minMax([Float64Array.of(0), Float64Array.of(2)]), {
      vector: Float64Array.of(0),
      gamma: 1,
    });
  });

  it("stays at the mean of equal honest vectors", () => {
    const same = [Float64Array.of(3, -1), Float64Array.of(3, -1)];
    assert.deepEqual(minMax(same), { vector: Float64Array.of(3, -1), gamma: 0 });
  });

  it("uses the largest γ that is allowed", () => {
    const distance = (v: Float64Array, w: Float64Array) =>
      Math.hypot(...v.map((x, i) => x - at(w, i)));
    const vector = fc
      .array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 3, maxLength: 3 })
      .map((entries) => Float64Array.from(entries));
    fc.assert(
      fc.property(fc.array(vector, { minLength: 2, maxLength: 6 }), (benign) => {
        const most = Math.max(...benign.flatMap((v) => benign.map((w) => distance(v, w))));
        fc.pre(most > 1e-3);
        const { vector: sent, gamma } = minMax(benign);
        assert.ok(gamma >= 0);
        const furthest = Math.max(...benign.map((v) => distance(v, sent)));
        assert.ok(Math.abs(furthest - most) <= 1e-9 * most, `${furthest} of ${most}`);
      }),
    );
  });
});
