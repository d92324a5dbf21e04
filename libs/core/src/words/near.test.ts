import assert from "node:assert/strict";
import { didYouMean } from "./near.js";

describe("didYouMean", () => {
  const known = ["rounds", "clients", "cohort", "rank", "seed"];

  for (const [word, meant] of [
    ["rouds", "rounds"], // a letter missing
    ["roounds", "rounds"], // one too many
    ["raunds", "rounds"], // another one
    ["ruonds", "rounds"], // two swapped
    ["rnak", "rank"],
    ["sed", "seed"],
    ["Clients", "clients"],
  ] as const) {
    it(`takes '${word}' for '${meant}'`, () => {
      assert.equal(didYouMean(word, known), `, did you mean '${meant}'?`);
    });
  }

  it("says nothing of a word that is near to none", () => {
    for (const word of ["", "x", "rd", "colour", "number", "r".repeat(1e6)]) {
      assert.equal(didYouMean(word, known), "", word.slice(0, 10));
    }
  });
});
