import assert from "node:assert/strict";
import { erfc, normalTail } from "./normal-tail.js";

function near(got: number, expected: number, relative: number): void {
  assert.ok(Math.abs(got / expected - 1) <= relative, `${got} is not ${expected}`);
}

describe("the tail of the normal distribution", () => {
  it("erfc has a relative error of 1e-13, on both sides of its two formulas and far out", () => {
    // Values of Abramowitz and Stegun, table 7.1, and mpmath.
    const values: [number, number][] = [
      [0.5, 0.4795001221869534623],
      [2, 0.0046777349810472658],
      [5, 1.5374597944280348502e-12],
      [10, 2.088487583762544757e-45],
    ];
    for (const [x, expected] of values) near(erfc(x), expected, 1e-13);
    near(erfc(2 - 1e-13), erfc(2), 1e-11);
    assert.equal(erfc(0), 1);
    near(erfc(-0.5), 2 - 0.4795001221869534623, 1e-15);
  });

  it("the normal tail beyond 1.959963984540054 is 2.5 %", () => {
    near(normalTail(1.959963984540054), 0.025, 1e-13);
    near(normalTail(-1.959963984540054), 0.975, 1e-14);
  });
});
