import { readNumbers } from "@fedclair/core";
import assert from "node:assert/strict";
import { measureNorm } from "../modules.js";
import { applyAttack } from "@fedclair/core/testing";
import { create, f32, f64, update } from "../../../testing/attacks/updates.js";

const zero = new Array<number>(4000).fill(0);
const own = ["a", "b"].map((id) =>
  update(id, {
    dense: f64([50, 80], ...zero),
    pair: { b: f32([2, 1], 0, 0), a: f32([1, 3], 0, 0, 0) },
  }),
);
const honest = [
  update("h", { dense: f64([1], 200), pair: { b: f32([1, 1], 5), a: f32([1, 1], 1) } }),
];

describe("gaussian-update", () => {
  it("has scale × the median honest norm, dense and in factors", async () => {
    for (const { delta } of await applyAttack(
      create("gaussian-update", { scale: 2 }),
      own,
      honest,
    )) {
      const [dense, pair] = [...delta.values()].map(measureNorm);
      assert.ok(Math.abs((dense ?? NaN) - 400) < 1e-10);
      assert.ok(Math.abs((pair ?? NaN) - 10) < 1e-5);
    }
  });

  it("has normal entries: 68.3 % within one standard deviation, 95.4 % within two", async () => {
    const [forged] = await applyAttack(create("gaussian-update"), own, honest);
    const dense = forged?.delta.get("dense");
    assert.ok(dense !== undefined && "shape" in dense);
    // With a norm of 200 the standard deviation of the 4000 entries is 200/√4000.
    const deviation = 200 / Math.sqrt(4000);
    const within = (count: number) =>
      [...readNumbers(dense)].filter((x) => Math.abs(x) < count * deviation).length / 4000;
    assert.ok(Math.abs(within(1) - 0.6827) < 0.03);
    assert.ok(Math.abs(within(2) - 0.9545) < 0.015);
  });

  it("differs from client to client", async () => {
    const [a, b] = await applyAttack(create("gaussian-update"), own, honest);
    assert.notDeepEqual(a?.delta, b?.delta);
  });
});
