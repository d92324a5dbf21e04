import assert from "node:assert/strict";
import { Matrix } from "@fedclair/linalg";
import { Float64Adam } from "./float64-adam.js";

const row = (...values: number[]) => ({ w: Matrix.fromRows([values]) });

describe("Float64Adam", () => {
  it("steps by the rate against a constant gradient of any size", () => {
    const adam = new Float64Adam<"w">(0.999);
    let weights = row(1, 1);
    for (let step = 0; step < 3; step++) weights = adam.step(weights, row(5, -0.01), 0.1);
    assert.ok(Math.abs(weights.w.get(0, 0) - 0.7) < 1e-6);
    assert.ok(Math.abs(weights.w.get(0, 1) - 1.3) < 1e-6);
  });

  it("remembers: slopes of 1, then -1, step by -0.1·(0.9·0.1 - 0.1)/(1 - 0.81) = +0.1/19", () => {
    const first = new Float64Adam<"w">(0.99);
    const weights = first.step(row(0), row(1), 0.1);
    const next = new Float64Adam<"w">(0.99, first.state).step(weights, row(-1), 0.1);
    assert.ok(Math.abs(next.w.get(0, 0) - (-0.1 + 0.1 / 19)) < 1e-8);
    assert.ok(Math.abs(weights.w.get(0, 0) + 0.1) < 1e-8, "the given weights are not modified");
  });
});
