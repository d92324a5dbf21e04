import { readNumbers } from "@fedclair/core";
import assert from "node:assert/strict";
import fc from "fast-check";
import { Matrix, median, at } from "@fedclair/linalg";
import {
  applyByCoordinate,
  createMeanNearMedian,
  medianOf,
  createTrimmedMean,
} from "./coordinates.js";
import { vectorToTensor } from "./blocks.js";

const values = fc
  .array(fc.integer({ min: -99, max: 99 }), { minLength: 1, maxLength: 30 })
  .map((entries) => Float64Array.from(entries, (x) => x / 8));

function near(got: number, expected: number): void {
  assert.ok(Math.abs(got - expected) < 1e-12, `${got}, not ${expected}`);
}

describe("coordinate-wise rules", () => {
  it("return the middle value, or the mean of the middle two", () => {
    assert.equal(medianOf(Float64Array.of(5, -1, 3)), 3);
    assert.equal(medianOf(Float64Array.of(5, -1, 3, 4)), 3.5);
    fc.assert(fc.property(values, (x) => medianOf(x.slice()) === median(x)));
  });

  it("drop both ends", () => {
    assert.equal(createTrimmedMean(1)(Float64Array.of(100, 1, 3, 2, -100)), 2);
    fc.assert(
      fc.property(values, fc.nat(), (x, any) => {
        const dropped = any % Math.ceil(x.length / 2);
        const kept = x.toSorted().slice(dropped, x.length - dropped);
        const expected = kept.reduce((total, y) => total + y, 0) / kept.length;
        near(createTrimmedMean(dropped)(x.slice()), expected);
      }),
    );
  });

  it("average the values closest to the median, and prefer the first of equally close ones", () => {
    // Median 2; 1 and 3 are equally close.
    assert.equal(createMeanNearMedian(2)(Float64Array.of(9, 3, 2, 1, -9)), 2.5);
    assert.equal(createMeanNearMedian(2)(Float64Array.of(9, 1, 2, 3, -9)), 1.5);
    fc.assert(
      fc.property(values, fc.nat(), (x, any) => {
        const count = 1 + (any % x.length);
        const middle = median(x);
        const byGap = [...x].sort((y, z) => Math.abs(y - middle) - Math.abs(z - middle));
        const expected = byGap.slice(0, count).reduce((total, y) => total + y, 0) / count;
        near(createMeanNearMedian(count)(x.slice()), expected);
      }),
    );
  });
});

describe("applyByCoordinate", () => {
  it("processes modules of many blocks", async () => {
    const length = 200_003;
    const changes = [1, 5, 3].map((factor) =>
      vectorToTensor(Float64Array.from({ length }, (_, i) => factor * i)),
    );
    const median = await applyByCoordinate(changes, medianOf);
    assert.deepEqual(median.shape, [length]);
    assert.ok(readNumbers(median).every((x, i) => x === 3 * i));
  });

  it("mixes the clients first", async () => {
    const changes = [1, 5, 3].map((x) => vectorToTensor(Float64Array.of(x)));
    // Client 0 stays; clients 1 and 2 become their mean.
    const mixing = Matrix.fromRows([
      [1, 0, 0],
      [0, 0.5, 0.5],
      [0, 0.5, 0.5],
    ]);
    const mixed = await applyByCoordinate(changes, (x) => at(x, 2), mixing);
    assert.deepEqual(readNumbers(mixed), Float64Array.of(4));
  });
});
