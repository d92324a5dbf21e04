import assert from "node:assert/strict";
import type { MeasuredAdapter } from "../audit-schema.js";
import { createLossTable, listRefinedSentences } from "./refined-text.js";

const losses = {
  own: 2,
  "shrunk-quarter": 1.25,
  "shrunk-half": 1.5,
  "added-half": 3,
  "added-whole": null,
  clair: 2,
};
const adapters: MeasuredAdapter[] = [
  { name: "a", losses, chosen: "shrunk-quarter" },
  { name: "b\u001b[31m", losses: { ...losses, own: 1, "added-whole": 4 }, chosen: "own" },
];

const written = { folder: "out", adapters: 2, discarded: 0.125 };

describe("text about refined adapters", () => {
  it("has a table of all losses and what was written", () => {
    const { heads, rows } = createLossTable({ command: "loss {adapter}", adapters });
    const [mean, half] = ["½ own + ½ mean", "own + ½ mean"];
    assert.deepEqual(heads, [
      ...["adapter", "own", "¾ own + ¼ mean", mean, half, "own + mean", "CLAIR", "written"],
    ]);
    assert.deepEqual(rows, [
      ["a", "2.000", "1.250", "1.500", "3.000", "not finite", "2.000", "¾ own + ¼ mean"],
      ["b\\u{1b}[31m", "1.000", "1.250", "1.500", "3.000", "4.000", "2.000", "own"],
      ["mean", "1.500", "1.250", "1.500", "3.000", "not finite", "2.000", "1.125"],
    ]);
  });

  it("compares the means, and names unchanged adapters", () => {
    const evaluation = { command: "loss {adapter}", adapters };
    assert.deepEqual(
      listRefinedSentences({ ...written, versions: [], unchanged: ["b"], evaluation }),
      [
        "2 refined adapters in out, with 87.5 % of the energy of the refined changes; the rest needs a higher rank.",
        "The versions with the lowest losses were written: 1.125 on average, and 1.500 for the adapters as they were. On other data expect a smaller gain, because these losses made the choice.",
        "Unchanged, because no refined version has a lower loss: b.",
      ],
    );
  });

  it("says what each version is meant for if nothing was measured", () => {
    const versions = ["shrunk", "added"];
    const [first = "", second = ""] = listRefinedSentences({ ...written, versions, unchanged: [] });
    assert.match(first, /^2 refined adapters in out, in 2 versions, with 87.5 %/);
    assert.match(
      second,
      /^out\/added \(own \+ ½ mean of the others\) is meant for .* still learning/,
    );
    assert.match(second, /out\/shrunk \(½ own \+ ½ mean\) for clients that trained too long/);
    assert.match(
      second,
      /measure the loss on held-out data before use, for example with --evaluate/,
    );
  });

  it("says that nothing was written", () => {
    const none = { ...written, adapters: 0, versions: [], unchanged: [] };
    assert.deepEqual(listRefinedSentences(none), [
      "No refined adapters were written, because no adapter is benign.",
    ]);
  });
});
