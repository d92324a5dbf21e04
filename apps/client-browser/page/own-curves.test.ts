import assert from "node:assert/strict";
import { addToCurves } from "./own-curves.js";

describe("addToCurves", () => {
  it("keeps the methods of a trial apart, which begin again with an early round", () => {
    let curves: ReturnType<typeof addToCurves> = [];
    for (const [round, ...values] of [
      [1, 0.1],
      [2, 0.2],
      [2, 0.2, 0.4],
      [4, 0.5],
      [1, 0.3],
      [2, 0.1],
    ])
      curves = addToCurves(curves, round ?? 0, values);
    assert.deepEqual(
      curves.map((curve) => curve.map(({ round, mean, count }) => [round, mean.toFixed(1), count])),
      [
        [
          [1, "0.1", 1],
          [2, "0.3", 2],
          [4, "0.5", 1],
        ],
        [
          [1, "0.3", 1],
          [2, "0.1", 1],
        ],
      ],
    );
  });
});
