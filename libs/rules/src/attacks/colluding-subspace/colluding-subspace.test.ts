import assert from "node:assert/strict";
import { readNumbers, isLowRank, type TensorDelta, type Update } from "@fedclair/core";
import { hstack, Matrix, median, multiply, thinSvd, at } from "@fedclair/linalg";
import { measureNorm } from "../modules.js";
import { anyUpdate, applyAttack } from "@fedclair/core/testing";
import { create } from "../../../testing/attacks/updates.js";

const honest = ["h1", "h2", "h3"].map((id) => anyUpdate(id));
const own = ["a1", "a2", "a3"].map((id) => anyUpdate(id, 2));

function module(update: Update | undefined, name: string): TensorDelta {
  const found = update?.delta.get(name);
  assert.ok(found, `no module ${name}`);
  return found;
}

function toMatrix(update: TensorDelta): Matrix {
  if (isLowRank(update)) return multiply(toMatrix(update.b), toMatrix(update.a));
  const [rows = 1, cols = 1] = update.shape;
  return Matrix.fromRowMajor(rows, cols, readNumbers(update));
}

/** The dimension of the space spanned by the columns of one module of all updates. */
function dimensions(updates: readonly Update[], name: string): number {
  return rankOf(hstack(updates.map((update) => toMatrix(module(update, name)))));
}

function rankOf(matrix: Matrix): number {
  const { s } = thinSvd(matrix);
  // Factors are float32.
  return s.filter((value) => value > 1e-5 * at(s, 0)).length;
}

describe("colluding-subspace", () => {
  it("spans as many dimensions as the rank of the factors, and `rank` dimensions in a dense module", async () => {
    const forged = await applyAttack(create("colluding-subspace", { rank: 3 }), own, honest);
    assert.equal(dimensions(own, "pair32"), 6);
    assert.equal(dimensions(forged, "pair32"), 2);
    assert.equal(dimensions(own, "matrix"), 5);
    assert.equal(dimensions(forged, "matrix"), 3);
    assert.notDeepEqual(forged[0]?.delta, forged[1]?.delta);
  });

  it("draws subspace and coefficients of every module independently", async () => {
    const [forged] = await applyAttack(create("colluding-subspace", { rank: 1 }), own, honest);
    const matrix = toMatrix(module(forged, "matrix"));
    const twin = toMatrix(module(forged, "twin"));
    assert.equal(rankOf(hstack([matrix, twin])), 2);
    assert.equal(rankOf(hstack([matrix.transpose(), twin.transpose()])), 2);
  });

  it("nests the spaces of clients with different ranks", async () => {
    const mixed = [anyUpdate("a1", 1), anyUpdate("a2", 3)];
    const forged = await applyAttack(create("colluding-subspace"), mixed, honest);
    assert.equal(dimensions(forged, "pair32"), 3);
  });

  it("sends identical updates as `same`", async () => {
    const forged = await applyAttack(create("colluding-subspace", { kind: "same" }), own, honest);
    assert.deepEqual(forged[1]?.delta, forged[0]?.delta);
    assert.deepEqual(forged[2]?.delta, forged[0]?.delta);
    assert.equal(dimensions(forged, "pair32"), 2);
  });

  it("stays on one direction as `line`, with different coefficients for each client", async () => {
    const forged = await applyAttack(create("colluding-subspace", { kind: "line" }), own, honest);
    assert.equal(dimensions(forged, "pair32"), 1);
    assert.equal(dimensions(forged, "matrix"), 1);
    assert.notDeepEqual(forged[0]?.delta, forged[1]?.delta);
  });

  it("has scale × the median honest norm in every module", async () => {
    const attack = create("colluding-subspace", { scale: 0.5 });
    const [forged] = await applyAttack(attack, own, honest);
    for (const name of forged?.delta.keys() ?? []) {
      const norms = honest.map((update) => measureNorm(module(update, name)));
      const ratio = measureNorm(module(forged, name)) / median(norms);
      assert.ok(Math.abs(ratio - 0.5) < 1e-6, `${name}: ${ratio}`);
    }
  });
});
