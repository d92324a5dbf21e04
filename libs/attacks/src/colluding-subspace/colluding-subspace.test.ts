import assert from "node:assert/strict";
import { isLowRank, type ModuleUpdate, type Update } from "@fedclair/core";
import { hstack, Matrix, multiply, thinSvd } from "@fedclair/linalg";
import { frobenius } from "../modules.js";
import { anyUpdate, attacked, create } from "../testing/updates.js";

const honest = ["h1", "h2", "h3"].map((id) => anyUpdate(id));
const own = ["a1", "a2", "a3"].map((id) => anyUpdate(id, 2));

function toMatrix(module: ModuleUpdate): Matrix {
  if (isLowRank(module)) return multiply(toMatrix(module.b), toMatrix(module.a));
  const [rows = 1, cols = 1] = module.shape;
  return Matrix.fromRowMajor(rows, cols, module.data);
}

/** Dimensions of the space that the columns of one module of all updates span. */
function dimensions(updates: readonly Update[], name: string): number {
  const blocks = updates.flatMap(({ modules }) => {
    const module = modules.get(name);
    return module ? [toMatrix(module)] : [];
  });
  const { s } = thinSvd(hstack(blocks));
  // Factors are float32.
  return s.filter((value) => value > 1e-5 * (s[0] ?? NaN)).length;
}

describe("colluding-subspace", () => {
  it("spans the rank of the factors together, and `rank` dimensions in a dense module", async () => {
    const forged = await attacked(create("colluding-subspace", { rank: 3 }), own, honest);
    assert.equal(dimensions(own, "pair32"), 6);
    assert.equal(dimensions(forged, "pair32"), 2);
    assert.equal(dimensions(own, "matrix"), 5);
    assert.equal(dimensions(forged, "matrix"), 3);
    assert.notDeepEqual(forged[0]?.modules, forged[1]?.modules);
  });

  it("nests the spaces of clients of unequal rank", async () => {
    const mixed = [anyUpdate("a1", 1), anyUpdate("a2", 3)];
    const forged = await attacked(create("colluding-subspace"), mixed, honest);
    assert.equal(dimensions(forged, "pair32"), 3);
  });

  it("sends one and the same update as `same`", async () => {
    const forged = await attacked(create("colluding-subspace", { kind: "same" }), own, honest);
    assert.deepEqual(forged[1]?.modules, forged[0]?.modules);
    assert.deepEqual(forged[2]?.modules, forged[0]?.modules);
    assert.equal(dimensions(forged, "pair32"), 2);
  });

  it("keeps to one direction as `line`, with coefficients of each client's own", async () => {
    const forged = await attacked(create("colluding-subspace", { kind: "line" }), own, honest);
    assert.equal(dimensions(forged, "pair32"), 1);
    assert.equal(dimensions(forged, "matrix"), 1);
    assert.notDeepEqual(forged[0]?.modules, forged[1]?.modules);
  });

  it("has scale × the median honest norm in every module", async () => {
    const attack = create("colluding-subspace", { scale: 0.5 });
    const [forged] = await attacked(attack, own, honest);
    for (const name of forged?.modules.keys() ?? []) {
      const norms = honest.map(({ modules }) => normOf(modules, name)).sort((x, y) => x - y);
      const ratio = normOf(forged?.modules ?? new Map(), name) / (norms[1] ?? NaN);
      assert.ok(Math.abs(ratio - 0.5) < 1e-6, `${name}: ${ratio}`);
    }
  });
});

function normOf(modules: Update["modules"], name: string): number {
  const module = modules.get(name);
  return module ? frobenius(module) : NaN;
}
