import assert from "node:assert/strict";
import { isLowRank, type Update, toFloat64 } from "@fedclair/core";
import { Matrix, subtract, thinSvd, at } from "@fedclair/linalg";
import { asRowMatrix } from "../modules.js";
import { anyUpdate, applyAttack } from "@fedclair/core/testing";
import { attackedRounds, create } from "../../../testing/attacks/updates.js";

const honest = ["h1", "h2", "h3"].map((id) => anyUpdate(id));
const own = ["a1", "a2"].map((id) => anyUpdate(id));

/** The difference between a module of two updates, as a matrix. */
function subtractModules(
  forged: Update | undefined,
  before: Update | undefined,
  name: string,
): Matrix {
  const [x, y] = [forged, before].map((u) => u?.delta.get(name) ?? assert.fail());
  assert.ok(x && y);
  const rows = isLowRank(x) ? x.b.shape[0] : x.shape[0];
  const matrix = (values: Float64Array) => asRowMatrix({ shape: [rows ?? 1], data: values });
  return subtract(matrix(toFloat64(x)), matrix(toFloat64(y)));
}

describe("backdoor", () => {
  it("adds one direction, the same for all attackers and in every round", () => {
    const attack = create("backdoor");
    const round = { own, honest };
    const rounds = attackedRounds(attack, [round, round]).flatMap((forged) =>
      forged.map((update, k) => subtractModules(update, own[k], "matrix")),
    );
    assert.equal(rounds.length, 4);
    const [first] = rounds;
    assert.ok(first);
    for (const other of rounds)
      assert.ok(subtract(other, first).data.every((x) => Math.abs(x) < 1e-12));
    const { s } = thinSvd(first);
    assert.ok(at(s, 1) < 1e-12 * at(s, 0));
  });

  it("adds it at scale × the median honest norm", async () => {
    const norms = honest.map(({ delta }) =>
      Math.hypot(...toFloat64(delta.get("matrix") ?? assert.fail())),
    );
    const [, median] = norms.sort((x, y) => x - y);
    const [forged] = await applyAttack(create("backdoor", { scale: 2 }), own, honest);
    const size = Math.hypot(...subtractModules(forged, own[0], "matrix").data);
    assert.ok(Math.abs(size - 2 * (median ?? NaN)) < 1e-12);
  });

  it("replaces the weakest direction of factors by the best approximation of their rank", async () => {
    const [forged] = await applyAttack(create("backdoor"), own, honest);
    // X + γ·b·aᵀ has rank 3; the distance to its best approximation of rank 2 is its last singular
    // value.
    const attack = create("backdoor");
    const wide = own.map((update) => {
      const pair = update.delta.get("pair64") ?? assert.fail();
      const data = toFloat64(pair);
      return { ...update, delta: new Map([["pair64", { shape: [3, 5], data }]]) };
    });
    const [dense] = await applyAttack(attack, wide, honest);
    const difference = subtractModules(forged, dense, "pair64");
    const exact = dense?.delta.get("pair64");
    assert.ok(exact && !isLowRank(exact));
    const { s } = thinSvd(asRowMatrix(exact));
    assert.ok(Math.abs(Math.hypot(...difference.data) - at(s, 2)) < 1e-12);
  });
});
