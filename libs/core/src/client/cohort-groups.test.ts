import assert from "node:assert/strict";
import { nextGroup } from "./cohort-groups.js";

describe("nextGroup", () => {
  const job = (kind: "train" | "evaluate", round = 1, phase = "train") => ({ kind, round, phase });
  const train = job("train");

  it("takes jobs that train in one round and phase, as many as may be", () => {
    const jobs = [train, train, train, job("train", 2), job("train", 2, "tune"), job("evaluate")];
    const lengths = (most: number) => jobs.map((_, start) => nextGroup(jobs, start, most).length);
    assert.deepEqual(lengths(9), [3, 2, 1, 1, 1, 1]);
    assert.deepEqual(lengths(2), [2, 2, 1, 1, 1, 1]);
    assert.deepEqual(lengths(1), [1, 1, 1, 1, 1, 1]);
  });

  it("takes what does not train alone, and nothing of nothing", () => {
    assert.equal(nextGroup([job("evaluate"), job("evaluate")], 0, 9).length, 1);
    assert.deepEqual(nextGroup([], 0, 9), []);
  });
});
