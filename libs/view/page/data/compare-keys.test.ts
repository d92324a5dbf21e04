import assert from "node:assert/strict";
import { compareKeys, type SortValue } from "./compare-keys.js";

describe("compareKeys", () => {
  const sorted = (keys: readonly SortValue[], direction: 1 | -1) =>
    keys
      .map((key) => ({ key }))
      .sort((a, b) => compareKeys(a.key, b.key, direction))
      .map(({ key }) => key);

  it("orders numbers by size, and numbers inside texts as well", () => {
    assert.deepEqual(sorted([10, 9, -1], 1), [-1, 9, 10]);
    assert.deepEqual(sorted(["run-10", "run-9"], 1), ["run-9", "run-10"]);
  });

  it("puts rows without a value last in both directions", () => {
    assert.deepEqual(sorted([undefined, 1, 2], 1), [1, 2, undefined]);
    assert.deepEqual(sorted([undefined, 1, 2], -1), [2, 1, undefined]);
  });
});
