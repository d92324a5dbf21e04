import assert from "node:assert/strict";
import { frobenius as norm, Matrix, stream } from "@fedclair/linalg";
import { toFloat64 } from "@fedclair/core";
import { measureNorm } from "../modules.js";
import { anyUpdate, applyAttack } from "@fedclair/core/testing";
import { create, update } from "../../../testing/attacks/updates.js";

const rng = stream("masked");
const gaussian = (rows: number, cols: number) =>
  new Matrix(rows, cols, rng.normals(rows * cols)).toRowMajor();

/** Benign clients change only rows 0 and 1, so the subspace is known. */
const benign = (clientId: string) => {
  const data = gaussian(6, 5);
  data.fill(0, 10);
  const b = gaussian(6, 2);
  b.fill(0, 4);
  return update(clientId, {
    dense: { shape: [6, 5], data },
    pair: { b: { shape: [6, 2], data: b }, a: { shape: [2, 5], data: gaussian(2, 5) } },
  });
};
const honest = ["h1", "h2", "h3"].map(benign);
const own = [benign("a1")];

describe("masked", () => {
  for (const off of [1e-4, 0.3]) {
    it(`has ${off} times as much outside the honest subspace as inside`, async () => {
      const [forged] = await applyAttack(create("masked", { off, rank: 2 }), own, honest);
      for (const [name, module] of forged?.delta ?? []) {
        const x = new Matrix(5, 6, toFloat64(module));
        const inside = norm(x.columns(0, 2));
        const outside = norm(x.columns(2, 6));
        assert.ok(Math.abs(outside / inside - off) < 1e-10, name);
      }
    });
  }

  it("has scale × the median honest norm", async () => {
    const [forged] = await applyAttack(create("masked", { scale: 2 }), own, honest);
    const norms = honest.map(({ delta }) => measureNorm(delta.get("dense") ?? assert.fail()));
    const [, median] = norms.sort((x, y) => x - y);
    const sent = measureNorm(forged?.delta.get("dense") ?? assert.fail());
    assert.ok(Math.abs(sent - 2 * (median ?? NaN)) < 1e-12);
  });

  it("stays inside if the subspace is the whole space", async () => {
    // Three rows, rank 3, and a scalar.
    const h = anyUpdate("h1");
    const [forged] = await applyAttack(create("masked"), [anyUpdate("a1", 3)], [h]);
    for (const name of ["pair64", "scalar"]) {
      const sent = measureNorm(forged?.delta.get(name) ?? assert.fail());
      const expected = 3 * measureNorm(h.delta.get(name) ?? assert.fail());
      assert.ok(Math.abs(sent - expected) < 1e-12 * expected, name);
    }
  });
});
