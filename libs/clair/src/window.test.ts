import { addScaled, gaussian, multiply, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { sinTheta } from "../testing/measure.js";
import { denoisingRound, idOf, randomBasis, updateOf } from "@fedclair/rules/testing";
import { clair, clairAggregator, clairSchema } from "./index.js";
import type { ClairState } from "./aggregator.js";

/**
 * 6 of 60 clients in a round and 35 % colluders, so by chance half of a round may be contaminated.
 */
const size = { p: 24, q: 16, r: 3, clients: 60, contaminated: 21, sigma: 0.03 };
const rounds = 14;

/** Number of wrong verdicts in each round. */
async function mistakes(window: number): Promise<number[]> {
  const rng = stream("window");
  const { updates, contaminated: bad } = denoisingRound(rng, size, "collude");
  const aggregator = clairAggregator.create(
    clairSchema.parse({ rule: "gap", rank: 3, window }) as never,
  );
  const counts: number[] = [];
  let state: ClairState | undefined;
  for (let round = 1; round <= rounds; round++) {
    const cohort = rng.at("cohort", round).sample(updates, 6);
    const aggregation = await aggregator.aggregate(
      { round, phase: "train", updates: cohort, rng: rng.at("order", round) },
      state,
    );
    const { verdicts = [], personal } = aggregation;
    state = forgetScores(aggregation.state as ClairState);
    const ids = cohort.map(({ clientId }) => clientId);
    assert.deepEqual(
      [verdicts.map(({ clientId }) => clientId), [...(personal?.keys() ?? [])]],
      [ids, ids],
    );
    const wrong = verdicts.filter(
      (v) => (v.status === "contaminated") !== bad.includes(v.clientId),
    );
    counts.push(wrong.length);
  }
  return counts;
}

/** Removes the memory of scores, so that only the window is left of earlier rounds. */
function forgetScores(state: ClairState): ClairState {
  return new Map([...state].map(([phase, own]) => [phase, { ...own, memory: new Map() }]));
}

describe("the window of clair", () => {
  it("detects in small cohorts what a single round cannot show", async () => {
    const without = await mistakes(1);
    const withWindow = await mistakes(8);
    const late = (counts: number[]) => counts.slice(5).reduce((sum, count) => sum + count, 0);
    assert.ok(late(without) >= 5, String(without));
    assert.equal(late(withWindow), 0, String(withWindow));
  });

  it("subtracts the benign mean before it fits the space, with centered", async () => {
    const rng = stream("centred window");
    const [u, common] = [randomBasis(rng.at("U"), 24, 2), gaussian(rng.at("M"), 24, 16)];
    const updates = Array.from({ length: 20 }, (_, k) => {
      const x = multiply(u, gaussian(rng.at(k), 2, 16));
      addScaled(x, 1, common);
      return updateOf(idOf(k), { m: x });
    });
    const options = clairSchema.parse({ rule: "gap", rank: 2, centered: true });
    const { spaces } = await clair(updates.slice(0, 10), options, { past: updates.slice(10) });
    assert.ok(sinTheta(u, spaces.get("m")?.left) < 1e-8);
  });

  it("refines in the space of this round's clients, which may have drifted from that of the window", async () => {
    const now = denoisingRound(stream("now"), { ...size, clients: 8, contaminated: 0 }, "collude");
    const past = denoisingRound(
      stream("past"),
      { ...size, clients: 20, contaminated: 0 },
      "collude",
    );
    const renamed = past.updates.map((update) => ({
      ...update,
      clientId: `past-${update.clientId}`,
    }));
    const options = clairSchema.parse({ rank: 3, rule: "gap", minBenignFraction: 1 });
    const { spaces, status } = await clair(now.updates, options, { past: renamed });
    assert.deepEqual(
      [...status.keys()],
      now.updates.map(({ clientId }) => clientId),
    );
    assert.ok(sinTheta(now.basis, spaces.get("m")?.left) < 0.15);
  });
});
