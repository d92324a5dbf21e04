import assert from "node:assert/strict";
import type { Update } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { forgeAtMedianNorm, type DrawModule } from "./forging.js";
import { f32, f64, update } from "../../testing/attacks/updates.js";

describe("forgeAtMedianNorm", () => {
  const honest = [3, 4, 100].map((norm, i) =>
    update(`h${i}`, {
      dense: f64([2], norm, 0),
      pair: { b: f32([1, 1], 2 * norm), a: f32([1, 1], 1) },
    }),
  );
  const own = [
    update("a", { dense: f64([2], 1, 1), pair: { b: f32([1, 1], 1), a: f32([1, 1], 1) } }),
  ];
  const drawSame = (honest: readonly Update[], factor: number, draw: DrawModule) =>
    forgeAtMedianNorm({ own, honest, rng: stream(1) }, factor, draw);

  it("scales the drawn module to the factor times the median honest norm, module by module", () => {
    const forged = drawSame(honest, 0.5, (like) =>
      "shape" in like ? f64([2], 0, -7) : { b: f32([1, 1], 1), a: f32([1, 1], 16) },
    );
    // The median norms are 4 and 8; half of them are 2 and 4 = 0.25·16.
    assert.deepEqual(forged, [
      update("a", { dense: f64([2], 0, -2), pair: { b: f32([1, 1], 0.25), a: f32([1, 1], 16) } }),
    ]);
  });

  it("takes the mean of the middle two for an even count", () => {
    const [forged] = drawSame(honest.slice(0, 2), 1, (like) => like);
    assert.deepEqual(forged?.delta.get("pair"), { b: f32([1, 1], 7), a: f32([1, 1], 1) });
  });

  it("uses the attackers' own norms in a round without honest updates", () => {
    const [forged] = drawSame([], 3, (like) => like);
    assert.deepEqual(forged?.delta.get("pair"), { b: f32([1, 1], 3), a: f32([1, 1], 1) });
  });
});
