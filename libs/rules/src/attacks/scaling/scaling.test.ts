import assert from "node:assert/strict";
import { applyAttack } from "@fedclair/core/testing";
import { create, f32, f64, update } from "../../../testing/attacks/updates.js";

describe("scaling", () => {
  it("sends ten times the client's own update by default", async () => {
    const own = update("c1", {
      dense: f64([2], 1, -2),
      pair: { b: f32([2, 1], 1, 2), a: f32([1, 2], 3, 4) },
    });
    assert.deepEqual(await applyAttack(create("scaling"), [own], []), [
      update("c1", {
        dense: f64([2], 10, -20),
        pair: { b: f32([2, 1], 10, 20), a: f32([1, 2], 3, 4) },
      }),
    ]);
  });
});
