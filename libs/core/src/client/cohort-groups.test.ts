import assert from "node:assert/strict";
import { nextGroup } from "./cohort-groups.js";

describe("nextGroup", () => {
  const job = (kind: "train" | "evaluate", round = 1, phase = "train") => ({ kind, round, phase });
  const train = job("train");

  it("groups jobs that train in the same round and phase, up to the limit", () => {
    const jobs = [train, train, train, job("train", 2), job("train", 2, "tune"), job("evaluate")];
    const lengths = (most: number) => jobs.map((_, start) => nextGroup(jobs, start, most).length);
    assert.deepEqual(lengths(9), [3, 2, 1, 1, 1, 1]);
    assert.deepEqual(lengths(2), [2, 2, 1, 1, 1, 1]);
    assert.deepEqual(lengths(1), [1, 1, 1, 1, 1, 1]);
  });

  it("returns one evaluation at a time, and no job for no jobs", () => {
    assert.equal(nextGroup([job("evaluate"), job("evaluate")], 0, 9).length, 1);
    assert.deepEqual(nextGroup([], 0, 9), []);
  });
});
