import { toMatrix } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import type { Factors } from "@fedclair/rules";
import { idsOf, sinTheta } from "../testing/measure.js";
import { denoisingRound, idOf, updateOf, type Collusion } from "@fedclair/rules/testing";
import { clair, clairSchema } from "./index.js";

const kinds: readonly Collusion[] = ["independent", "collude", "line"];
const large = { p: 40, q: 20, clients: 30, sigma: 0 };

describe("clair without noise", () => {
  for (const kind of kinds) {
    for (const r of [1, 2, 4, 8]) {
      it(`recovers the space and the set exactly at rank ${r}, with 10 % to 47 % ${kind} attackers`, async () => {
        for (const contaminated of [3, 6, 9, 12, 14]) {
          const rng = stream("exactness").at(kind, r, contaminated);
          const {
            updates,
            basis,
            contaminated: bad,
          } = denoisingRound(rng, { ...large, r, contaminated }, kind);
          const result = await clair(updates, clairSchema.parse({ rule: "gap", rank: r }));
          assert.deepEqual(idsOf(result, "contaminated"), bad);
          assert.ok(sinTheta(basis, result.spaces.get("m")?.left) < 1e-8);
        }
      });
    }
  }

  for (const kind of kinds) {
    for (const r of [2, 4]) {
      it(`detects rank ${r} automatically, with 15 % and 45 % ${kind} attackers`, async () => {
        for (const contaminated of [3, 9]) {
          const rng = stream("rank").at(kind, r, contaminated);
          const size = { ...large, clients: 20, r, contaminated };
          const { updates, contaminated: bad } = denoisingRound(rng, size, kind);
          const options = { rule: "gap", rank: "auto", rankMax: 6 };
          const result = await clair(updates, clairSchema.parse(options));
          assert.equal(result.spaces.get("m")?.rank, r);
          assert.deepEqual(idsOf(result, "contaminated"), bad);
        }
      });
    }
  }

  it("does not depend on the scale of an update", async () => {
    const size = { p: 12, q: 8, clients: 12, contaminated: 4, r: 2, sigma: 0 };
    const { sent, basis, contaminated: bad } = denoisingRound(stream("scale"), size, "collude");
    const benign = sent.findIndex((_, k) => !bad.includes(idOf(k)));
    for (const factor of [1e-8, 1e-4, 1e4, 1e8]) {
      for (const scaled of [...bad, idOf(benign)]) {
        const updates = sent.map((x, k) =>
          updateOf(idOf(k), { m: idOf(k) === scaled ? x.scale(factor) : x }),
        );
        const result = await clair(updates, clairSchema.parse({ rule: "gap", rank: 2 }));
        assert.deepEqual(idsOf(result, "contaminated"), bad, `${scaled} times ${factor}`);
        assert.ok(sinTheta(basis, result.spaces.get("m")?.left) < 1e-8);
      }
    }
  });

  it("is exact up to rounding for float32 factors", async () => {
    const root = stream("float32");
    const size = { p: 12, q: 3, clients: 12, contaminated: 4, r: 3, sigma: 0 };
    const { sent, basis, contaminated: bad } = denoisingRound(root, size, "collude");
    const updates = sent.map((b, k) => {
      const factors: Factors = { b, a: toMatrix({ shape: [3, 9], data: root.at(k).normals(27) }) };
      const update = updateOf(idOf(k), { m: factors });
      return {
        ...update,
        delta: new Map([["m", { b: toFloat32(factors.b), a: toFloat32(factors.a) }]]),
      };
    });
    const result = await clair(updates, clairSchema.parse({ rule: "gap", rank: 3 }));
    assert.deepEqual(idsOf(result, "contaminated"), bad);
    assert.ok(sinTheta(basis, result.spaces.get("m")?.left) < 1e-6);
  });
});

function toFloat32(matrix: Factors["b"]) {
  return {
    shape: [matrix.rows, matrix.cols],
    data: Float32Array.from(matrix.toRowMajor()),
  };
}
