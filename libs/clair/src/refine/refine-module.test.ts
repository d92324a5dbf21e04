import { frobenius, gaussian, item, stream } from "@fedclair/linalg";
import assert from "node:assert/strict";
import { randomBasis } from "@fedclair/rules/testing";
import { listOf } from "../updates/change.js";
import { computeExtraShares } from "./common-outside.js";
import { refineModule } from "./refine-module.js";

describe("refineModule", () => {
  it("changes nothing if the space holds everything: what is outside is rounding", () => {
    const rng = stream("everything inside");
    for (let round = 0; round < 20; round++) {
      const common = gaussian(rng.at("common", round), 3, 8);
      const changes = Array.from({ length: 7 }, (_, k) => {
        const own = gaussian(rng.at("own", round, k), 3, 8);
        for (let i = 0; i < own.data.length; i++)
          own.data[i] = item(own.data, i) + 2 * item(common.data, i);
        return own;
      });
      const left = randomBasis(rng.at("space", round), 3, 3);
      const weights = changes.map(() => 1 / changes.length);
      const refinement = refineModule(listOf(changes), { rank: 3, left }, weights, {
        scalesCommonPart: true,
      });
      const { shared, common: outside } = refinement;
      assert.ok(!("b" in shared) && !("b" in outside.part));
      const part = frobenius(outside.part);
      const most = Math.max(...computeExtraShares(refinement).map(Math.abs));
      assert.ok(frobenius(shared) < 1e-12 && most * part < 1e-12, `${most} times ${part}`);
    }
  });
});
