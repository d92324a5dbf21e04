import {
  addScaled,
  gaussian,
  Matrix,
  multiply,
  multiplyTN,
  stream,
  subtract,
} from "@fedclair/linalg";
import assert from "node:assert/strict";
import { distance, idsOf, refinedMatrix, sinTheta } from "../testing/measure.js";
import { denoisingRound, idOf, randomBasis, updateOf, type Round } from "@fedclair/rules/testing";
import { clair, clairSchema, refine } from "./index.js";

const e1 = { p: 24, q: 16, clients: 20, contaminated: 6, r: 3 };
const options = clairSchema.parse({ rule: "gap", rank: 3 });

const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;

/**
 * Mean squared errors of the benign clients' refined changes and of FedAvg, relative to those of
 * their own changes.
 */
async function errorRatios({ ideal, sent, updates }: Round) {
  const result = await clair(updates, options);
  const refined = (await refine(result, options)).get("m");
  const average = new Matrix(e1.p, e1.q);
  for (const x of sent) addScaled(average, 1 / sent.length, x);
  const errors = ideal.flatMap((d, k) => {
    const x = sent[k];
    if (x === undefined || !idsOf(result, "benign").includes(idOf(k))) return [];
    const own = distance(x, d) ** 2;
    return [
      {
        own,
        clair: distance(refinedMatrix(refined, idOf(k)), d) ** 2,
        fedavg: distance(average, d) ** 2,
      },
    ];
  });
  const local = mean(errors.map((e) => e.own));
  return {
    result,
    clair: mean(errors.map((e) => e.clair)) / local,
    fedavg: mean(errors.map((e) => e.fedavg)) / local,
  };
}

describe("clair with noise (experiment E1)", () => {
  for (const sigma of [0.01, 0.02, 0.04]) {
    it(`recovers the set and the space and reduces the local error to a fifth at noise ${sigma}`, async () => {
      const ratios: number[] = [];
      const sines: number[] = [];
      for (const kind of ["collude", "gauss"] as const) {
        for (const seed of [0, 1, 2]) {
          const round = denoisingRound(stream(seed).at("e1", kind), { ...e1, sigma }, kind);
          const { result, clair: ratio, fedavg } = await errorRatios(round);
          assert.deepEqual(idsOf(result, "contaminated"), round.contaminated);
          assert.ok(ratio <= 0.25, `ratio ${ratio}`);
          assert.ok(sigma !== 0.02 || fedavg >= 15, `FedAvg ${fedavg}`);
          ratios.push(ratio);
          sines.push(sinTheta(round.basis, result.spaces.get("m")?.left));
        }
      }
      assert.ok(mean(ratios) <= 0.21, `mean ratio ${mean(ratios)}`);
      assert.ok(mean(sines) <= 1.7 * sigma, `mean sine ${mean(sines)}`);
    });
  }

  it("flags a client in at most 4 % of runs without contaminated clients", async () => {
    let alarms = 0;
    for (const r of [2, 3]) {
      for (const sigma of [0.01, 0.04, 0.08]) {
        for (let seed = 0; seed < 25; seed++) {
          const size = { ...e1, r, contaminated: 0, sigma };
          const { updates } = denoisingRound(stream(seed).at("clean", r, sigma), size, "gauss");
          const result = await clair(updates, clairSchema.parse({ rule: "gap", rank: r }));
          if (idsOf(result, "contaminated").length > 0) alarms++;
        }
      }
    }
    assert.ok(alarms <= 0.04 * 150, `false alarms in ${alarms} of 150 runs`);
  });
});

describe("clair against masked attackers", () => {
  // The attackers are mostly inside the shared space, with a common step of this relative size
  // outside.
  for (const step of [1e-4, 1e-2, 0.1, 0.3]) {
    it(`flags all four with a part of ${step} outside the space`, async () => {
      const root = stream("masked");
      const basis = randomBasis(root.at("U"), 12, 2);
      const v = randomBasis(root.at("V"), 12, 2);
      const off = subtract(v, multiply(basis, multiplyTN(basis, v)));
      const updates = Array.from({ length: 12 }, (_, k) => {
        const own = root.at(k);
        const x = multiply(basis, gaussian(own, 2, 8));
        if (k < 4) addScaled(x, step, multiply(off, gaussian(own, 2, 8)));
        return updateOf(idOf(k), { m: x });
      });
      const result = await clair(updates, clairSchema.parse({ rule: "gap", rank: 2 }));
      assert.deepEqual(idsOf(result, "contaminated"), ["c00", "c01", "c02", "c03"]);
    });
  }
});
