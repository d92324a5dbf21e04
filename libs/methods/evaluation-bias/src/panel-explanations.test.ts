import type { Update } from "@fedclair/core";
import assert from "node:assert/strict";
import type { Fit } from "./model/fit.js";
import { explanations } from "./model/explanations.js";
import { summariseExplanations, variationMetrics } from "./panel-explanations.js";

/**
 * Creates the update of an institution with two panels, with the same variation for every
 * explanation.
 */
function institution(counts: [number, number], variations: [number, number]): Update {
  const data = Float64Array.from(explanations.flatMap(() => variations));
  return {
    clientId: `c${variations[0]}`,
    numExamples: 1,
    metrics: {},
    delta: new Map([
      ["counts", { shape: [2], data: Float64Array.from(counts) }],
      ["variations", { shape: [explanations.length, 2], data }],
    ]),
  };
}

const fit: Fit = {
  status: "OK",
  alpha: 1,
  gamma: 1,
  tau: 1,
  pmf: Float64Array.of(0.5, 0.5),
};

describe("explanations of a panel", () => {
  it("are medians over the institutions that sent the panel", () => {
    const kept = [
      institution([200, 0], [0.1, 0]),
      institution([200, 400], [0.2, 0.4]),
      institution([200, 0], [0.9, 0]),
    ];
    assert.equal(summariseExplanations(kept, 0, fit).variations.model, 0.2);
    const second = summariseExplanations(kept, 1, fit);
    assert.equal(second.variations.unbiased, 0.4);
    // A share of 400 people with p = 1/2 has a mean error of √(2·¼/(400π)), in either of two bins.
    assert.ok(Math.abs((second.sampling ?? NaN) - Math.sqrt(0.5 / (400 * Math.PI))) < 1e-15);
    const { variations } = summariseExplanations(kept.slice(0, 1), 1, fit);
    assert.deepEqual(variations, {});
    assert.equal(
      summariseExplanations(kept, 0, { ...fit, status: "OUTSIDE_MODEL" }).sampling,
      null,
    );
  });

  it("are averaged over panels, without those that all institutions withhold", () => {
    const panel = (model: number) => ({ variations: { model }, sampling: null });
    const empty = { variations: {}, sampling: null };
    assert.deepEqual(variationMetrics([panel(0.1), panel(0.3), empty]), {
      "totalVariation.model": 0.2,
    });
  });
});
