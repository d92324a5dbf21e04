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
});
