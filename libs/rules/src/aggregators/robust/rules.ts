import type { Delta } from "@fedclair/core";
import { median, type Matrix, type Stream } from "@fedclair/linalg";
import { maxBulyanF, selectByBulyan } from "../bulyan/selection.js";
import { filterWeights } from "../caf/weights.js";
import { computeSampleGram } from "../dnc/sample-gram.js";
import { computeKrumScores, sortByScore } from "../krum/scores.js";
import { selectSmallest } from "../mda/selection.js";
import { centeredClipWeights, computeNorms, normClipWeights } from "./clipping.js";
import { createMeanNearMedian, createTrimmedMean, medianOf } from "./coordinates.js";
import { findOutliers } from "./divide-and-conquer.js";
import { geometricMedianWeights } from "./geometric-median.js";
import { squaredDistances } from "./gram.js";
import { meanWeights, mixGram, type Mixture } from "./mixture.js";
import { groupByModule } from "./modules.js";
import { createPointsFromGram } from "./points.js";

/** The rules that can follow a step which mixes the changes. */
export const ruleNames = [
  "mean",
  "krum",
  "multi-krum",
  "geometric-median",
  "norm-clip",
  "centered-clipping",
  "mda",
  "caf",
  "dnc",
  "coordinate-median",
  "trimmed-mean",
  "meamed",
  "bulyan",
] as const;

export type RuleName = (typeof ruleNames)[number];

/**
 * Aggregates points without weights, with the rule's default options.
 * @param f the number of points that may be contaminated, below half of them
 */
type MixtureRule = (mixture: Mixture, f: number, rng: Stream) => Promise<Delta[]>;

/** The robust rules, as functions of any points. */
export const rules: Readonly<Record<RuleName, MixtureRule>> = {
  mean: averageBy((gram) => indices(gram.rows)),
  krum: averageBy((gram, f) => sortByKrum(gram, f).slice(0, 1)),
  "multi-krum": averageBy((gram, f) => sortByKrum(gram, f).slice(0, gram.rows - f)),
  mda: averageBy((gram, f) => selectSmallest(squaredDistances(gram), f).selected),
  "geometric-median": weighBy((gram) =>
    geometricMedianWeights(createPointsFromGram(gram), meanWeights(gram.rows, indices(gram.rows))),
  ),
  "norm-clip": weighBy(async (gram) => {
    const norms = await computeNorms(createPointsFromGram(gram));
    return normClipWeights(norms, meanWeights(gram.rows, indices(gram.rows)), median(norms));
  }),
  "centered-clipping": weighBy(async (gram) => {
    const points = createPointsFromGram(gram);
    return centeredClipWeights(points, median(await computeNorms(points)));
  }),
  caf: weighBy(filterWeights),
  dnc: async (mixture, f, rng) => {
    const modules = [...groupByModule(mixture.updates).values()];
    const sample = await computeSampleGram(modules, 10_000, rng.at("coordinates", 0));
    const gram = mixture.mixing ? await mixGram(sample, mixture.mixing) : sample;
    const outliers = new Set(findOutliers(gram, f));
    const others = indices(mixture.count).filter((i) => !outliers.has(i));
    return mixture.combine(meanWeights(mixture.count, others));
  },
  "coordinate-median": (mixture) => mixture.reduce(medianOf),
  "trimmed-mean": (mixture, f) => mixture.reduce(createTrimmedMean(f)),
  meamed: (mixture, f) => mixture.reduce(createMeanNearMedian(mixture.count - f)),
  bulyan: async (mixture, presumed) => {
    const f = Math.min(presumed, maxBulyanF(mixture.count));
    const selected = await selectByBulyan(squaredDistances(await mixture.gram()), f);
    return mixture.pick(selected).reduce(createMeanNearMedian(selected.length - 2 * f));
  },
};

/** Creates a rule that averages the points whose indices `select` returns. */
function averageBy(select: (gram: Matrix, f: number) => readonly number[]): MixtureRule {
  return weighBy((gram, f) => meanWeights(gram.rows, select(gram, f)));
}

/** Creates a rule that weights the points. */
function weighBy(
  weigh: (gram: Matrix, f: number) => Float64Array | Promise<Float64Array>,
): MixtureRule {
  return async (mixture, f) => mixture.combine(await weigh(await mixture.gram(), f));
}

/** Sorts the indices of points by Krum's score, the best first. */
function sortByKrum(gram: Matrix, f: number): number[] {
  return sortByScore(computeKrumScores(squaredDistances(gram), f));
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, k) => k);
}
