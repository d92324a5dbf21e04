import assert from "node:assert/strict";
import { mergeLines } from "./curve-layers.js";

describe("mergeLines", () => {
  const line = (label: string, ...ys: number[]) => {
    return { label, colour: `of ${label}`, points: ys.map((y, x) => ({ x, y })) };
  };

  it("merges coinciding curves into one line with all their labels, in the colour of the first", () => {
    const lines = [line("clair", 1, 2), line("naive", 1, 3), line("oracle", 1, 2)];
    assert.deepEqual(mergeLines(lines), [
      { ...line("clair", 1, 2), label: "clair, oracle" },
      line("naive", 1, 3),
    ]);
  });

  it("keeps lines apart that differ in the last digit or in length", () => {
    const lines = [line("a", 0.3), line("b", 0.1 + 0.2), line("c", 0.3, 0.3)];
    assert.deepEqual(mergeLines(lines), lines);
  });
});
