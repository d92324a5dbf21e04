import assert from "node:assert/strict";
import { stream } from "@fedclair/linalg";
import { denoisingRound, idOf, updateOf, type Collusion } from "@fedclair/rules/testing";
import { idsOf, sinTheta } from "../../testing/measure.js";
import { clair, clairSchema } from "../index.js";
import { certifiedMargin } from "./margin.js";

interface Size {
  readonly clients: number;
  readonly contaminated: number;
  readonly sigma: number;
}

/** One round of rank 2, in which contaminated clients send their change without noise. */
async function play(seed: number, kind: Collusion, size: Size) {
  const rng = stream("margin").at(kind, size.clients, size.contaminated).at(seed);
  const round = denoisingRound(rng, { p: 10, q: 8, r: 2, ...size }, kind);
  const bad = new Set(round.contaminated);
  const updates = round.sent.map((x, k) =>
    updateOf(idOf(k), { m: bad.has(idOf(k)) ? (round.ideal[k] ?? x) : x }),
  );
  const result = await clair(updates, clairSchema.parse({ rule: "gap", rank: 2 }));
  result.modules.close();
  const { identifiable } = result;
  return {
    result,
    bad: round.contaminated,
    isWrong: sinTheta(round.basis, result.spaces.get("m")?.left) > 0.6,
    isCertified: (identifiable?.margin ?? 0) > certifiedMargin,
  };
}

/** Counts wrong spaces, and certified ones among them. */
async function countWrong(rounds: number, size: Size) {
  let [wrong, certified] = [0, 0];
  for (let seed = 0; seed < rounds; seed++) {
    for (const kind of ["collude", "line"] as const) {
      const { isWrong, isCertified } = await play(seed, kind, size);
      wrong += Number(isWrong);
      certified += Number(isWrong && isCertified);
    }
  }
  return { wrong, certified };
}

describe("identifiability", () => {
  it("certifies the only space of most clients", async () => {
    for (const kind of ["independent", "collude", "line"] as const) {
      const size = { clients: 12, contaminated: 5, sigma: 0 };
      const { result, isWrong, isCertified } = await play(1, kind, size);
      assert.ok(isCertified && !isWrong, kind);
      assert.equal(result.identifiable?.complete, true);
      assert.equal(result.identifiable.rivals, undefined);
    }
  });

  it("names both groups where either would explain the updates", async () => {
    const { result, bad } = await play(1, "collude", { clients: 12, contaminated: 6, sigma: 0.02 });
    const { margin, rivals } = result.identifiable ?? assert.fail("no margin");
    assert.ok(margin < certifiedMargin);
    const benign = [...result.status.keys()].filter((id) => !bad.includes(id));
    const groups = rivals?.map((ids) => [...ids].sort());
    const expected = idsOf(result, "benign").includes(bad[0] ?? "") ? [bad, benign] : [benign, bad];
    assert.deepEqual(groups, expected);
    const reasons = rivals?.[1].map((id) => result.verdicts.get(id)?.reason ?? "");
    assert.match(reasons?.[0] ?? "", /not identifiable: c\d\d, c\d\d, c\d\d and 3 more explain/);
  });

  it("certifies no wrong space while more than half are benign", async () => {
    const size = { clients: 11, contaminated: 5, sigma: 0.12 };
    const { wrong, certified } = await countWrong(20, size);
    assert.ok(wrong >= 20, `${wrong} of 40 rounds have a wrong space`);
    assert.equal(certified, 0);
  });

  it("promises nothing once more than half collude, so this count can fail", async () => {
    const { wrong, certified } = await countWrong(3, { clients: 11, contaminated: 6, sigma: 0.02 });
    assert.equal(wrong, 6);
    assert.equal(certified, 6);
  });

  it("certifies no space that holds less than half of the changes", async () => {
    const { result } = await play(1, "collude", { clients: 12, contaminated: 0, sigma: 0.6 });
    assert.equal(result.identifiable, undefined);
  });
});
