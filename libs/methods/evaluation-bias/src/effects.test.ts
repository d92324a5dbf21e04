import assert from "node:assert/strict";
import { item } from "@fedclair/linalg";
import { panels, simulate } from "../testing/institutions.js";
import { estimateEffects } from "./effects.js";
import { fitColumn, poolMoments } from "./federation/moments.js";
import { optionsSchema } from "./options.js";

const { selection } = optionsSchema.parse({});
const { model, moments } = simulate(1, 8, []);
const panel = panels.findIndex(({ alpha, tau }) => alpha === 4 && tau === 1.1);
const effectsOf = (some: typeof moments) =>
  estimateEffects(model, some, panel, fitColumn(model, poolMoments(some, panel)), selection) ??
  assert.fail();

describe("effects of interventions", () => {
  it("find the panel's parameters and what its selection does", () => {
    const { alpha, tau, effects } = effectsOf(moments);
    assert.ok(Math.abs(alpha.value / 4 - 1) < 0.05, `${alpha.value}`);
    assert.ok(Math.abs(tau.value - 1.1) < 0.02, `${tau.value}`);
    const of = new Map(effects.map((effect) => [effect.intervention, effect]));
    // The page's table over ten seeds: 0.048 of the seats, and 0.224 more with 30 % reserved.
    const none = of.get("none") ?? assert.fail();
    assert.ok(Math.abs(none.share2.value - 0.048) < 0.015, `${none.share2.value}`);
    assert.deepEqual(none.gain, { value: 0, low: 0, high: 0 });
    const reserved = of.get("atleast") ?? assert.fail();
    assert.ok((reserved.gain.low ?? NaN) < 0.224 && 0.224 < (reserved.gain.high ?? NaN));
    assert.ok(Math.abs(reserved.share2.value - 0.3) < 1e-9);
  });

  it("are a jackknife: the deviations of a mean have Student's interval", () => {
    // Leaving out one of n institutions changes a mean by its deviation over n - 1.
    const { alpha } = effectsOf(moments);
    const partial = moments.map((_, i) => {
      const others = moments.filter((_one, k) => k !== i);
      return fitColumn(model, poolMoments(others, panel)).alpha;
    });
    const mean = partial.reduce((sum, x) => sum + x, 0) / 8;
    const squares = partial.reduce((sum, x) => sum + (x - mean) ** 2, 0);
    // 2.3646 is Student's quantile for seven degrees of freedom.
    const half = 2.3646 * Math.sqrt((squares * 7) / 8);
    const high = alpha.high ?? NaN;
    assert.ok(Math.abs((high - alpha.value) / half - 1) < 0.005, `${high - alpha.value} ${half}`);
  });

  it("have no intervals with fewer than five institutions, and none outside the model", () => {
    const { alpha } = effectsOf(moments.slice(0, 4));
    assert.deepEqual([alpha.low, alpha.high], [null, null]);
    const fit = fitColumn(model, item(moments, 0).matrix.column(panel));
    const outside = { ...fit, status: "OUTSIDE" } as unknown as typeof fit;
    assert.equal(estimateEffects(model, moments, panel, outside, selection), undefined);
  });
});
