import { stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { idsOf, sinTheta } from "../../../testing/measure.js";
import { denoisingRound } from "../../../testing/updates.js";
import { clair, clairSchema } from "../index.js";

const size = { p: 16, q: 8, clients: 20, r: 2, sigma: 0 };
const solve = async (contaminated: number, kind: "collude" | "line", sigma = 0) => {
  const rng = stream("convex").at(contaminated, kind);
  const {
    updates,
    basis,
    contaminated: bad,
  } = denoisingRound(rng, { ...size, contaminated, sigma }, kind);
  const result = await clair(updates, clairSchema.parse({ rank: 2, solver: "convex" }));
  return { result, basis, bad };
};

describe("clair with the convex program", () => {
  it("recovers set and space with 20 % colluders, as the search does", async () => {
    const { result, basis, bad } = await solve(4, "collude");
    assert.deepEqual(idsOf(result, "contaminated"), bad);
    assert.ok(sinTheta(basis, result.spaces.get("m")?.left) < 1e-8);
  });

  it("recovers the set through noise", async () => {
    const { result, bad } = await solve(4, "collude", 0.02);
    assert.deepEqual(idsOf(result, "contaminated"), bad);
  });

  it("reports everyone as benign if a fixed threshold leaves no client", async () => {
    const { updates } = denoisingRound(
      stream("convex"),
      { ...size, contaminated: 0, sigma: 0.1 },
      "line",
    );
    const options = clairSchema.parse({
      rank: 2,
      solver: "convex",
      rule: "fixed",
      fixedThreshold: 1e-9,
    });
    assert.equal(idsOf(await clair(updates, options), "benign").length, size.clients);
  });

  it("fails against colluders on one line beyond its bound, where the search does not", async () => {
    // A share of s/n > 1/r; here 9/11 > 1/2.
    const { result, bad } = await solve(9, "line");
    assert.notDeepEqual(idsOf(result, "contaminated"), bad);
  });
});
