import assert from "node:assert/strict";
import { logGamma } from "./special.js";

function near(got: number, expected: number, relative: number): void {
  assert.ok(Math.abs(got / expected - 1) <= relative, `${got} is not ${expected}`);
}

describe("special functions", () => {
  it("ln Γ of 1/2, 5 and 0.1", () => {
    near(logGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-13);
    near(logGamma(5), Math.log(24), 1e-13);
    near(logGamma(0.1), Math.log(9.513507698668731836), 1e-13);
  });
});
