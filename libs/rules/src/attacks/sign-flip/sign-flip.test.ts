import assert from "node:assert/strict";
import { applyAttack } from "@fedclair/core/testing";
import { create, f32, f64, update } from "../../../testing/attacks/updates.js";

describe("sign-flip", () => {
  it("sends minus scale times the client's own update", async () => {
    const own = update("c1", {
      dense: f64([2], 1, -2),
      pair: { b: f32([2, 1], 1, 2), a: f32([1, 2], 3, 4) },
    });
    assert.deepEqual(await applyAttack(create("sign-flip", { scale: 2 }), [own], []), [
      update("c1", {
        dense: f64([2], -2, 4),
        pair: { b: f32([2, 1], -2, -4), a: f32([1, 2], 3, 4) },
      }),
    ]);
  });
});
