import assert from "node:assert/strict";
import { parseLoss } from "./parse-loss.js";

describe("readLoss", () => {
  for (const [output, loss] of [
    ["3.25\n", 3.25],
    ["1 of 2\n2 of 2\nloss: 3.25.\n", 3.25],
    ['{"tokens": 564, "loss": 1.5e-3}', 0.0015],
    ["loss=-.5 v3.2 12x", -0.5],
    ["12 tokens, loss nan", Infinity],
    ["-inf", Infinity],
    ["1e999", Infinity],
  ] as const) {
    it(`finds ${loss} in ${JSON.stringify(output)}`, () => {
      assert.equal(parseLoss(output), loss);
    });
  }

  it("finds nothing in text without a number", () => {
    for (const output of ["", "\n", "done", "v3.2 1.2.3 e5 . - +"]) {
      assert.equal(parseLoss(output), undefined, output);
    }
  });
});
