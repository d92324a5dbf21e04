import { frobenius, item, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { findCut } from "../../src/space/detect.js";
import { toFindOptions } from "../../src/options.js";
import { clair, clairSchema } from "../../src/index.js";
import { idsOf, sinTheta } from "../measure.js";
import { denoisingRound } from "@fedclair/rules/testing";
import { outlierPursuit } from "./outlier-pursuit.js";

const size = { p: 16, q: 8, clients: 20, r: 2, sigma: 0 };

/** Blocks of S below this norm are zero up to the accuracy of the solver. */
const minBlockNorm = 1e-3;

/** Solves a round by the convex program and by the search. */
async function solve(contaminated: number, kind: "collude" | "line", sigma = 0) {
  const rng = stream("convex").at(contaminated, kind);
  const round = denoisingRound(rng, { ...size, contaminated, sigma }, kind);
  const blocks = round.sent.map((x) => x.scale(1 / frobenius(x)));
  const lambda = 1.05 * Math.sqrt((2 * size.r) / size.clients);
  const { basis, blockNorms } = outlierPursuit(blocks, lambda);
  const options = clairSchema.parse({ rank: size.r, rule: "gap" });
  const scores = blockNorms.map((norm) => Math.max(norm, minBlockNorm));
  const { threshold } = findCut(scores, toFindOptions(options));
  const searched = await clair(round.updates, options);
  return {
    flagged: round.updates.flatMap(({ clientId }, k) =>
      item(scores, k) > threshold ? [clientId] : [],
    ),
    error: sinTheta(round.basis, basis),
    searched: idsOf(searched, "contaminated"),
    bad: round.contaminated,
  };
}

describe("outlier pursuit", () => {
  it("recovers set and space with 20 % colluders, as the search does", async () => {
    const { flagged, searched, error, bad } = await solve(4, "collude");
    assert.deepEqual([flagged, searched], [bad, bad]);
    assert.ok(error < 1e-6, `${error}`);
  });

  it("recovers the set through noise, as the search does", async () => {
    const { flagged, searched, bad } = await solve(4, "collude", 0.02);
    assert.deepEqual([flagged, searched], [bad, bad]);
  });

  it("fails against colluders on one line beyond its bound, where the search does not", async () => {
    // A share of s/n > 1/r; here 9/11 > 1/2.
    const { flagged, searched, bad } = await solve(9, "line");
    assert.deepEqual(searched, bad);
    assert.notDeepEqual(flagged, bad);
  });
});
