import assert from "node:assert/strict";
import { merged } from "./line-layers.js";

describe("merged", () => {
  const line = (label: string, ...ys: number[]) => {
    return { label, colour: `of ${label}`, points: ys.map((y, x) => ({ x, y })) };
  };

  it("gives curves that coincide one line with all their labels, in the colour of the first", () => {
    const lines = [line("clair", 1, 2), line("naive", 1, 3), line("oracle", 1, 2)];
    assert.deepEqual(merged(lines), [
      { ...line("clair", 1, 2), label: "clair, oracle" },
      line("naive", 1, 3),
    ]);
  });

  it("keeps apart what differs in the last place, or is shorter", () => {
    const lines = [line("a", 0.3), line("b", 0.1 + 0.2), line("c", 0.3, 0.3)];
    assert.deepEqual(merged(lines), lines);
  });
});
