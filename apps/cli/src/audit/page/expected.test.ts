import assert from "node:assert/strict";
import { predictionLimit, shares, studentQuantile } from "./expected.js";

describe("predictionLimit", () => {
  const [often, nearlyAlways] = shares;

  it("matches Student's quantiles within 4 % from five degrees of freedom on", () => {
    // Tabulated quantiles of t at 0.95 and 0.9999.
    for (const [df, p95, p9999] of [
      [5, 2.015, 9.678],
      [13, 1.771, 5.111],
      [150, 1.655, 3.813],
    ] as const) {
      const found = [studentQuantile(often.deviate, df), studentQuantile(nearlyAlways.deviate, df)];
      assert.ok(Math.abs((found[0] ?? 0) / p95 - 1) < 0.002, `${df}: ${found[0] ?? ""}`);
      assert.ok(Math.abs((found[1] ?? 0) / p9999 - 1) < 0.04, `${df}: ${found[1] ?? ""}`);
    }
  });

  it("returns a limit above or below the mean, for one more value", () => {
    const values = [1, 2, 3, 4, 5, 6];
    const room = studentQuantile(often.deviate, 5) * Math.sqrt(3.5 * (1 + 1 / 6));
    assert.equal(predictionLimit(values, often.deviate), 3.5 + room);
    assert.equal(predictionLimit(values, -often.deviate), 3.5 - room);
    assert.equal(predictionLimit([2, 2], often.deviate), 2);
  });
});
