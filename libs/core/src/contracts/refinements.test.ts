import assert from "node:assert/strict";
import { readNumbers } from "../tensors/tensor.js";
import { isLowRank, type Delta } from "../tensors/update.js";
import { candidateKinds, chooseCandidate, makeCandidate } from "./refinements.js";

const createTerm = (value: number): Delta =>
  new Map([["w", { shape: [1], data: Float64Array.of(value) }]]);

/** Adds up the terms of a candidate. */
function sumTerms(terms: readonly Delta[]): number {
  let sum = 0;
  for (const term of terms) {
    const change = term.get("w");
    if (change && !isLowRank(change)) sum += readNumbers(change)[0] ?? NaN;
  }
  return sum;
}

describe("makeCandidate", () => {
  it("blends the own change with the mean, and takes the refined change as it is", () => {
    const parts = {
      own: [createTerm(8)],
      mean: [createTerm(1), createTerm(3)],
      refined: [createTerm(100)],
    };
    const sums = candidateKinds.map((kind) => [kind, sumTerms(makeCandidate(kind, parts))]);
    assert.deepEqual(Object.fromEntries(sums), {
      own: 8,
      "shrunk-quarter": 0.75 * 8 + 0.25 * 4,
      "shrunk-half": 0.5 * 8 + 0.5 * 4,
      "added-half": 8 + 0.5 * 4,
      "added-whole": 8 + 4,
      clair: 100,
    });
  });
});

describe("chooseCandidate", () => {
  it("returns the lowest loss; of equal ones the own change comes first", () => {
    assert.equal(chooseCandidate({ clair: 1, own: 2, "shrunk-half": 1.5 }), "clair");
    assert.equal(chooseCandidate({ clair: 1, own: 1 }), "own");
    assert.equal(chooseCandidate({ clair: -1e300, own: -1 }), "clair");
  });

  it("ignores what is no candidate, and keeps the own change if there is none", () => {
    assert.equal(chooseCandidate({}), "own");
    assert.equal(chooseCandidate({ best: -1, clair: NaN }), "own");
  });
});
