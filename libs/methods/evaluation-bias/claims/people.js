// Predicts interventions from the scores of simulated institutions, and compares the predictions
// with people who are drawn and seated one by one. That simulation solves the model by code of its
// own.
import { stream } from "@fedclair/linalg";
import { estimateEffects } from "../dist/src/effects.js";
import { createScoreModel } from "../dist/src/federation/basis.js";
import { countScores, smooth } from "../dist/src/federation/grid.js";
import { computeMoments, fitColumn, poolMoments } from "../dist/src/federation/moments.js";
import { normalise } from "../dist/src/model/evaluate-histogram.js";
import { optionsSchema } from "../dist/src/options.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

/** The panels of the sweep `bias-panels`. */
const panels = [
  { alpha: 1, tau: 1.1 },
  { alpha: 2, tau: 1.6 },
  { alpha: 4, tau: 1.1 },
  { alpha: 4, tau: 1.6 },
];
const institutions = 10;
const scores = 1000;
/** True scores that the institutions know: as many as a panel has, and a hundred times as many. */
const references = [institutions * scores, 100 * institutions * scores];
/** People of each group who apply for seats. */
const people = 100_000;
/** The entropy of N(0, 1). */
const entropy = Math.log(2 * Math.PI * Math.E) / 2;

/**
 * Fits and predicts, with ten seeds.
 * @returns {Run[]} with the labels `panel`, from 1, and `reference`, the number of true scores;
 * measures `share` and `gain`, the largest errors
 * over the interventions, and `covered` of `intervals`, the intervals with the simulated outcome
 */
export function measure(_out, { seeds = 10, wants = () => true } = {}) {
  return Array.from({ length: seeds }, (_, i) => i + 1).flatMap((seed) => {
    const rng = stream("people").at(seed);
    return panels.flatMap((panel, j) =>
      references
        .map((count) => ({ panel: String(j + 1), reference: String(count) }))
        .filter(wants)
        .map((labels) => {
          const measures = comparePanel(panel, Number(labels.reference), rng.at(j));
          return { seed, labels, measures };
        }),
    );
  });
}

function comparePanel(panel, count, rng) {
  const options = optionsSchema.parse({});
  const { selection } = options;
  const counts = countScores(Float64Array.from(rng.at("reference").normals(count)), options);
  const reference = smooth(normalise(counts), count);
  const model = createScoreModel(reference, options, "squared", options.features);
  const ranks = rng.at("panel");
  const observed = quantilesOf(panel);
  const moments = Array.from({ length: institutions }, () => {
    const marks = Float64Array.from({ length: scores }, () => observed(ranks.uniform()));
    return computeMoments(model.psi, [countScores(marks, options)]);
  });
  const fit = fitColumn(model, poolMoments(moments, 0));
  const { effects } = estimateEffects(model, moments, 0, fit, selection);
  const truth = simulate(panel, selection, rng.at("people"));
  const errors = { share: [], gain: [] };
  let [covered, intervals] = [0, 0];
  for (const { intervention, share2, gain } of effects) {
    const outcome = truth.get(intervention);
    errors.share.push(Math.abs(share2.value - outcome.share));
    errors.gain.push(Math.abs(gain.value - outcome.gain));
    for (const [estimate, value] of [
      [share2, outcome.share],
      [gain, outcome.gain],
    ]) {
      if (estimate.high - estimate.low < 1e-3) continue;
      intervals++;
      if (value >= estimate.low && value <= estimate.high) covered++;
    }
  }
  return { share: Math.max(...errors.share), gain: Math.max(...errors.gain), covered, intervals };
}

/**
 * Solves the model for true scores of N(0, 1) on a fine grid, by bisection of gamma.
 * @returns the score of a rank in (0, 1)
 */
function quantilesOf({ alpha, tau }) {
  const [low, width, size] = [-7, 0.01, 1401];
  const x = Array.from({ length: size }, (_, i) => low + width * i);
  const density = x.map((v) => Math.exp((-v * v) / 2) / Math.sqrt(2 * Math.PI));
  const risk = x.map((score) =>
    x.reduce((sum, v, i) => sum + (v < score ? alpha : 1) * (v - score) ** 2 * density[i], 0),
  );
  const least = Math.min(...risk);
  const lawAt = (gamma) => {
    const weights = risk.map((r) => Math.exp(-((r - least) * width) / gamma));
    const total = weights.reduce((sum, w) => sum + w, 0);
    return weights.map((w) => w / total);
  };
  const entropyOf = (law) =>
    law.reduce((sum, p) => (p > 0 ? sum - p * Math.log(p / width) : sum), 0);
  let [lowest, highest] = [1e-3, 1e3];
  for (let step = 0; step < 60; step++) {
    const middle = Math.sqrt(lowest * highest);
    if (entropyOf(lawAt(middle)) < tau) lowest = middle;
    else highest = middle;
  }
  let below = 0;
  const ranks = lawAt(highest).map((p) => (below += p));
  return (rank) => {
    let [from, to] = [0, size - 1];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (ranks[middle] < rank) from = middle + 1;
      else to = middle;
    }
    const inside = from === 0 ? 0 : (rank - ranks[from - 1]) / (ranks[from] - ranks[from - 1]);
    return x[from] + (inside - 1 / 2) * width;
  };
}

/**
 * Seats people one by one: of each group as many as the settings say, true scores from N(0, 1).
 * @returns group 2's share and the gain in mean true score by intervention
 */
function simulate(panel, { c, rho, atleast }, rng) {
  const { alpha, tau } = panel;
  const closer = { alpha, tau: tau + rho * (entropy - tau) };
  const neutral = { alpha: 1 + (1 - rho) * (alpha - 1), tau };
  const truths = ["one", "two"].map((name) =>
    Float64Array.from(rng.at(name).normals(people)).sort().reverse(),
  );
  const seats = Math.round(2 * people * c);
  const seat = (evaluator, reserved1, reserved2) => {
    const quantile = quantilesOf(evaluator);
    const seen = (group, i) => (group === 0 ? truths[0][i] : quantile(1 - (i + 0.5) / people));
    const taken = [Math.round(reserved1 * seats), Math.round(reserved2 * seats)];
    while (taken[0] + taken[1] < seats) {
      const next = seen(0, taken[0]) >= seen(1, taken[1]) ? 0 : 1;
      taken[next]++;
    }
    const total = taken.reduce(
      (sum, n, group) => sum + truths[group].subarray(0, n).reduce((a, b) => a + b, 0),
      0,
    );
    return { share: taken[1] / seats, utility: total / seats };
  };
  const outcomes = {
    none: seat(panel, 0, 0),
    reduceSkew: seat(neutral, 0, 0),
    shiftTau: seat(closer, 0, 0),
    atleast: seat(panel, 0, atleast),
    proportional: seat(panel, 0.5, 0.5),
  };
  return new Map(
    Object.entries(outcomes).map(([name, { share, utility }]) => {
      return [name, { share, gain: utility - outcomes.none.utility }];
    }),
  );
}
