import assert from "node:assert/strict";
import { SweepProgress } from "./sweep-progress.js";

describe("SweepProgress", () => {
  it("estimates the remaining time from the trials that were run", () => {
    let now = 0;
    const progress = new SweepProgress(6, () => now);
    assert.equal(progress.count({ skipped: true }), "1/6");
    now = 40_000;
    assert.equal(progress.count({ skipped: false }), "2/6, 3 min left");
    assert.equal(progress.count({ skipped: true }), "3/6, 2 min left");
    now = 8_000_000;
    assert.equal(progress.count({ skipped: false }), "4/6, 2.2 h left");
    now = 90_000;
    assert.equal(progress.count({ skipped: false }), "5/6, 30 s left");
    assert.equal(progress.count({ skipped: false }), "6/6");
  });
});
