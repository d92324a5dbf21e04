import assert from "node:assert/strict";
import { item } from "@fedclair/linalg";
import { applyAttack } from "@fedclair/core/testing";
import { create, f64, update } from "../../../testing/attacks/updates.js";
import { alie, alieDeviations } from "./index.js";

describe("alie", () => {
  it("departs by as many deviations as a majority hides", () => {
    // (50 - 24 - 2)/26 = 12/13
    assert.ok(Math.abs(alieDeviations(50, 24) - 1.4260768722728479) < 1e-12);
  });

  it("departs by 0.1 if the formula has no positive, finite result", () => {
    assert.equal(alieDeviations(10, 1), 0.1); // (10 - 1 - 5)/9 < 1/2
    assert.equal(alieDeviations(10, 6), 0.1); // a majority
    assert.equal(alieDeviations(3, 3), 0.1);
  });

  it("sends the mean minus z population standard deviations", () => {
    const benign = [Float64Array.of(1, 4), Float64Array.of(3, 4)];
    assert.deepEqual(alie(benign, 0.5), Float64Array.of(1.5, 4));
  });

  it("counts the clients of its round", async () => {
    // K = 5, m = 2: s = 1, z = Φ⁻¹(2/3); the honest mean is 2, the deviation √(2/3).
    const honest = [1, 2, 3].map((x) => update(`h${x}`, { m: f64([1], x) }));
    const own = ["a", "b"].map((id) => update(id, { m: f64([1], 9) }));
    for (const { delta } of await applyAttack(create("alie"), own, honest)) {
      const sent = delta.get("m");
      assert.ok(sent !== undefined && "data" in sent);
      const expected = 2 - 0.4307272992954576 * Math.sqrt(2 / 3);
      assert.ok(Math.abs(item(sent.data, 0) - expected) < 1e-12);
    }
  });
});
