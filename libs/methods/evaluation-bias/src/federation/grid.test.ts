import assert from "node:assert/strict";
import fc from "fast-check";
import { at } from "@fedclair/linalg";
import { listCentres, countScores, listEdges, smooth, trimmedPmf } from "./grid.js";

describe("the shared grid", () => {
  const grid = { lo: 0, hi: 4, bins: 4 };

  it("counts scores, with those out of range in the end bins", () => {
    const counts = countScores(Float64Array.of(-9, 0, 0.99, 1, 3.5, 4, 77), grid);
    assert.deepEqual([...counts], [3, 1, 0, 3]);
    assert.deepEqual(listCentres(grid), [0.5, 1.5, 2.5, 3.5]);
    assert.deepEqual(listEdges(grid), [0, 1, 2, 3, 4]);
  });

  it("counts every score", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true })), (scores) => {
        const counts = countScores(Float64Array.from(scores), grid);
        assert.equal(
          counts.reduce((a, b) => a + b, 0),
          scores.length,
        );
      }),
    );
  });

  it("trims a quarter at each end of every bin and sums to 1", () => {
    const pmfs = [0.1, 0.2, 0.3, 0.9].map((p) => Float64Array.of(p, 1 - p));
    assert.deepEqual(
      [...trimmedPmf(pmfs, 0.25)].map((p) => p.toFixed(12)),
      ["0.250000000000", "0.750000000000"],
    );
    assert.ok(Math.abs(at(trimmedPmf(pmfs, 0), 0) - 0.375) < 1e-15);
  });

  it("leaves no bin at 0: (p·n + 0.5)/(n + 0.5·B)", () => {
    assert.deepEqual([...smooth(Float64Array.of(1, 0), 9)], [0.95, 0.05]);
  });
});
