// Trains conditional networks of value-driven transport and of two flows, and measures them on each
// class, with and without guidance. Training in one process takes half of a sweep's time.
import { mean, stream } from "@fedclair/linalg";
import {
  makeClassYardstick,
  measureConditional,
  measureWithoutRequest,
} from "../dist/src/measure.js";
import { straightness } from "../dist/src/metrics.js";
import { initialNetwork } from "../dist/src/network.js";
import { schema } from "../dist/src/options.js";
import { openPoints } from "../dist/src/own-points.js";
import { centresOf, isTable, pickRows, ringOf } from "../dist/src/points.js";
import { followPolicy, guidedGradient } from "../dist/src/sampling.js";
import { conditionOf, trainCentrally } from "../dist/src/training.js";
import { simulatePoints } from "../dist/src/world.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

/** Steps of training by target. */
const steps = { modes: 4000, digits: 1000 };
const seeds = [1, 2, 3, 4, 5];
const methods = ["value", "flow-matching", "ot-cfm"];
/** Weights of guidance. */
const weights = [0, 0.5, 1];
/** Generated and true points for each class; samples of equal size are compared quickly. */
const perClass = 70;
/** Numbers of steps of generation in addition to the ten of training. */
const measureSteps = [1, 4, 16];
const shared = { conditional: true, measureSteps, evaluationSamples: 1000 };
const targets = {
  modes: { ...shared, target: "gaussians8", samples: 4000 },
  digits: {
    ...shared,
    target: { file: "runs/papers-data/digits-classes.csv", columns: { label: "digit" } },
    hidden: 64,
  },
};

/**
 * Trains each method once per seed and target; the digits are those of `writeClasses`.
 * @returns {Promise<Run[]>} with `method` and `target` as labels. Names of
 * measures end in the weight of guidance. Runs also have some points of each class: `plain` and
 * `guided` were generated in ten steps, without guidance and with the largest weight. `quick` were
 * generated in one step without guidance.
 */
export async function measure() {
  const runs = [];
  for (const [target, options] of Object.entries(targets)) {
    for (const seed of seeds) {
      for (const method of methods) {
        const measured = await measureOne(
          schema.parse({ ...options, method }),
          seed,
          steps[target],
        );
        runs.push({ seed, labels: { target, method }, ...measured });
      }
    }
  }
  return runs;
}

async function measureOne(options, seed, count) {
  const { method, target, source, hidden, learningRate, evaluationSamples } = options;
  // All methods have the same points and starts.
  const rng = stream(seed).at("conditional flows");
  const world = isTable(target)
    ? await openPoints(options)
    : simulatePoints(options, source, target);
  const { dimensions, classes } = world;
  const data = {
    target: world.target({ index: 0, count: 1, rng }),
    source: world.source(rng.at("source")),
  };
  const [inputs, outputs] = [dimensions + 1 + classes.length, method === "value" ? 1 : dimensions];
  const network = await trainCentrally(
    initialNetwork(inputs, hidden, rng.at("network"), outputs),
    data,
    options,
    { steps: count, learningRate },
    rng.at("training"),
  );
  const { targets: first, otherTargets: second } = world.fresh(evaluationSamples, rng.at("fresh"));
  const starts = world.starts(perClass, rng.at("starts"));
  const ring = ringOf(target);
  const centres = ring && centresOf(ring);
  const yardstick = await makeClassYardstick(starts, even(first), even(second), centres);
  const { truth } = yardstick;
  const measures = {
    w2Floor: truth.w2,
    trueAccuracy: truth.accuracy,
    trueDeviation: truth.deviation,
    anyClassW2: await measureWithoutRequest(network, yardstick, options),
  };
  const ends = [];
  for (const weight of weights) {
    const measured = await measureConditional(network, yardstick, options, weight);
    const { w2, accuracy, deviation, bySteps } = measured.measures;
    const ofWeight = { w2, accuracy, deviation, ...bySteps };
    ofWeight.straightness = mean(classes.map((_, k) => straightness(generate(k, weight))));
    for (const [name, value] of Object.entries(ofWeight)) measures[`${name}.${weight}`] = value;
    ends.push(measured.ends);
  }
  const quick = classes.map((_, k) => generate(k, 0, 1).at(-1));
  const few = (byClass) => byClass.map((points) => points.toRows().slice(0, 2));
  return { measures, plain: few(ends[0]), guided: few(ends.at(-1)), quick: few(quick) };

  function generate(k, weight, count = options.horizon) {
    const guidance = { condition: conditionOf(k, classes.length), weight };
    return followPolicy(guidedGradient(network, guidance, method), starts, count);
  }
}

/** Takes the first points of each class, the same number of all. */
function even({ points, modes }) {
  const seen = new Float64Array(modes.count);
  const rows = Array.from(modes.of.keys()).filter((i) => seen[modes.of[i]]++ < perClass);
  if (seen.some((count) => count < perClass)) {
    throw new Error(`expected at least ${perClass} points of each class, got ${seen.join(", ")}`);
  }
  const of = Int32Array.from(rows, (row) => modes.of[row]);
  return { points: pickRows(points, rows), modes: { count: modes.count, of } };
}
