import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { formatComparison } from "./compare.js";

describe("formatComparison", () => {
  it("shortens claims, and prints all of every other value", () => {
    const folder = `"/data/${"x".repeat(80)}"`;
    const text = formatComparison({
      names: ["a", "b"],
      differences: [
        { path: "claim", values: [`"CLAIR ${"finds everybody ".repeat(20)}"`, undefined] },
        { path: "task.folder", values: ['"data"', folder] },
      ],
      areSeeds: false,
      measures: [{ name: "error", values: [1, undefined], best: new Set() }],
      verdicts: ["clair flagged nobody.", "judges no clients."],
    });
    const [head = "", claim = "", other = ""] = stripVTControlCharacters(text).split("\n");
    assert.match(head, /^trial +a +b$/);
    assert.match(claim, /^claim +"CLAIR finds everybody f.{0,16}…  –$/);
    assert.ok(other.endsWith(folder));
    assert.match(text, /^error +1 +–$/m);
    assert.ok(text.endsWith("\n\na: clair flagged nobody.\nb: judges no clients.\n"));
  });

  it("fits the columns of a terminal", () => {
    const terminal = { width: 30, wrap: (text: string) => text.replace(": ", ":\n") };
    const names = ["a-run-of-today", "a-run-of-yesterday"];
    const measures = [{ name: "error", values: [1, 2], best: new Set<number>() }];
    const verdicts = ["clair flagged nobody.", "judges no clients."];
    const text = formatComparison(
      { names, differences: [], areSeeds: false, measures, verdicts },
      terminal,
    );
    const widths = stripVTControlCharacters(text)
      .split("\n")
      .map((line) => line.length);
    assert.ok(Math.max(...widths) <= 30, text);
  });
});
