import assert from "node:assert/strict";
import { didYouMean, expectNamed } from "./did-you-mean.js";

describe("didYouMean", () => {
  const known = ["rounds", "clients", "cohort", "rank", "seed"];

  for (const [word, meant] of [
    ["rouds", "rounds"], // one letter is missing
    ["roounds", "rounds"], // one letter too many
    ["raunds", "rounds"], // one letter is wrong
    ["ruonds", "rounds"], // two letters are swapped
    ["rnak", "rank"],
    ["sed", "seed"],
    ["Clients", "clients"],
  ] as const) {
    it(`suggests '${meant}' for '${word}'`, () => {
      assert.equal(didYouMean(word, known), `, did you mean '${meant}'?`);
    });
  }

  it("suggests nothing for a word that is not close to any", () => {
    for (const word of ["", "x", "rd", "colour", "number", "r".repeat(1e6)]) {
      assert.equal(didYouMean(word, known), "", word.slice(0, 10));
    }
    // Comparing these would take days.
    assert.equal(didYouMean("r".repeat(1e6), ["r".repeat(1e6 - 1)]), "");
  });
});

describe("expectNamed", () => {
  it("puts a suggestion before the list of names", () => {
    for (const [input, message] of [
      [{ name: "krumm" }, "did you mean 'krum'? expected one of fedavg, krum"],
      [{ name: "median" }, "expected one of fedavg, krum"],
      [{}, "expected one of fedavg, krum"],
      [
        "fedavgg",
        "did you mean { name: fedavg }? expected a mapping, its name one of fedavg, krum",
      ],
      ["median", "expected a mapping as { name: fedavg }, its name one of fedavg, krum"],
    ] as const) {
      assert.equal(expectNamed(input, ["fedavg", "krum"]), message);
    }
  });
});
