import assert from "node:assert/strict";
import { isLowRank, type TensorDelta, toFloat64 } from "@fedclair/core";
import { stream, item } from "@fedclair/linalg";
import { forgeFromHonest } from "./from-honest.js";
import { f32, f64, update } from "../../testing/attacks/updates.js";

const pair = (b: number[], a: number[]): TensorDelta => ({
  b: f32([2, 1], ...b),
  a: f32([1, 2], ...a),
});
const own = [update("a", { pair: pair([1, 1], [1, 1]), bias: f64([1], 0) })];
const rng = stream(1);
// The modules are in another order than in the attacker's update.
const honest = [
  update("h2", { bias: f64([1], 7), pair: pair([0, 2], [0, 1]) }),
  update("h1", { bias: f64([1], 5), pair: pair([4, 0], [1, 0]) }),
];

describe("forgeFromHonest", () => {
  it("passes on the full changes, in order of ids and of the attackers' modules", () => {
    forgeFromHonest({ own, honest, rng }, (vectors) => {
      assert.deepEqual(vectors, [Float64Array.of(4, 0, 0, 0, 5), Float64Array.of(0, 0, 0, 2, 7)]);
      return new Float64Array(5);
    });
  });

  it("sends dense modules as forged, and for factors the best approximation of their rank", () => {
    const [forged] = forgeFromHonest({ own, honest, rng }, () => Float64Array.of(4, 0, 0, 2, 6));
    assert.deepEqual(forged?.delta.get("bias"), f64([1], 6));
    const sent = forged.delta.get("pair");
    assert.ok(sent !== undefined && isLowRank(sent));
    assert.deepEqual(
      [sent.b.shape, sent.a.shape],
      [
        [2, 1],
        [1, 2],
      ],
    );
    toFloat64(sent).forEach((x, i) => {
      assert.ok(Math.abs(x - item([4, 0, 0, 0], i)) < 1e-6);
    });
  });

  it("passes on the attackers' own updates in a round without honest ones", () => {
    forgeFromHonest({ own, honest: [], rng }, ([vector]) => {
      assert.deepEqual(vector, Float64Array.of(1, 1, 1, 1, 0));
      return vector;
    });
  });

  it("gives every attacker a copy of its own", () => {
    const two = ["a", "b"].map((id) => update(id, { bias: f64([1], 0) }));
    const [a, b] = forgeFromHonest({ own: two, honest, rng }, () => Float64Array.of(3));
    assert.deepEqual(a?.delta, b?.delta);
    assert.notEqual(a?.delta.get("bias"), b?.delta.get("bias"));
  });
});
