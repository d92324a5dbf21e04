import { frobenius, gramNT, hstack, leadingEigenvectors, Matrix, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { idsOf, sinTheta } from "../../testing/measure.js";
import { denoisingRound, type Collusion } from "@fedclair/rules/testing";
import { clair, clairSchema } from "../index.js";
import { createSketcher, sketchRows } from "./sketch.js";

/** Taller, and wider together, than a sketch: 300 rows, 40 clients of 8 columns. */
const size = { p: 300, q: 8, r: 3, clients: 40, contaminated: 17 };

describe("clair in a sketch", () => {
  for (const kind of ["independent", "collude", "line"] satisfies Collusion[]) {
    it(`is exact without noise against ${kind} attackers`, async () => {
      const {
        updates,
        basis,
        contaminated: bad,
      } = denoisingRound(stream(kind), { ...size, sigma: 0 }, kind);
      const result = await clair(updates, clairSchema.parse({ rule: "gap", rank: 3 }));
      assert.deepEqual(idsOf(result, "contaminated"), bad);
      assert.ok(sinTheta(basis, result.spaces.get("m")?.left) < 1e-8);
    });
  }

  it("converges to the space of the benign updates themselves, not of their sketches", async () => {
    const {
      updates,
      sent,
      contaminated: bad,
    } = denoisingRound(stream("noise"), { ...size, sigma: 0.02 }, "collude");
    const result = await clair(updates, clairSchema.parse({ rule: "gap", rank: 3 }));
    assert.deepEqual(idsOf(result, "contaminated"), bad);
    const benign = sent.filter((_, k) => !bad.includes(updates[k]?.clientId ?? ""));
    const stack = hstack(benign.map((x) => x.scale(1 / frobenius(x))));
    const exact = leadingEigenvectors(gramNT(stack), 3);
    assert.ok(sinTheta(exact, result.spaces.get("m")?.left) < 1e-9);
  });

  it("covers every row", () => {
    // A sketch that draws its targets with replacement would lose rows like 119 of 3072.
    for (const p of [3072, 5632]) {
      const sketch = createSketcher(p, sketchRows, 1);
      for (let row = 0; row < p; row++) {
        const unit = new Matrix(p, 1);
        unit.data[row] = 1;
        assert.ok(Math.abs(frobenius(sketch(unit)) - 1) < 1e-15);
      }
    }
  });

  it("detects the rank automatically", async () => {
    const { updates, contaminated: bad } = denoisingRound(
      stream("rank"),
      { ...size, sigma: 0.01 },
      "collude",
    );
    const result = await clair(
      updates,
      clairSchema.parse({ rule: "gap", rank: "auto", rankMax: 4, starts: 4 }),
    );
    assert.equal(result.spaces.get("m")?.rank, 3);
    assert.deepEqual(idsOf(result, "contaminated"), bad);
  });
});
