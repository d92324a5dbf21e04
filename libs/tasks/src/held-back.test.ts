import assert from "node:assert/strict";
import { countHeldBack } from "./held-back.js";

describe("countHeldBack", () => {
  it("rounds the share, and leaves at least one example on each side", () => {
    const cases: [examples: number, share: number, expected: number][] = [
      [120, 0.2, 24],
      [32, 0.2, 6],
      [3, 0.01, 1],
      [3, 0.99, 2],
      [2, 0.5, 1],
      [1, 0.5, 0],
      [0, 0.5, 0],
    ];
    for (const [examples, share, expected] of cases)
      assert.equal(countHeldBack(examples, share), expected, `${share} of ${examples}`);
  });

  it("holds back nothing without a share", () => {
    assert.equal(countHeldBack(120), 0);
  });
});
