import assert from "node:assert/strict";
import { applyAttack } from "@fedclair/core/testing";
import { create, f64, update } from "../../../testing/attacks/updates.js";

describe("ipm", () => {
  it("sends minus epsilon times the honest mean from all attackers", async () => {
    const honest = [update("h1", { m: f64([2], 1, 0) }), update("h2", { m: f64([2], 3, 4) })];
    const own = ["a", "b"].map((id) => update(id, { m: f64([2], 9, 9) }));
    const forged = await applyAttack(create("ipm", { epsilon: 0.25 }), own, honest);
    assert.deepEqual(
      forged,
      ["a", "b"].map((id) => update(id, { m: f64([2], -0.5, -0.5) })),
    );
  });
});
