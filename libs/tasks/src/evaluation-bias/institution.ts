import {
  toMatrix,
  toTensor,
  type LocalTrainer,
  type Params,
  type Shard,
  type Tensor,
  type TrainResult,
} from "@fedclair/core";
import { Matrix, sum, type Stream, item } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import { fabricate, oddAlpha } from "./contaminations.js";
import { centresOf, countScores, edgesOf, widthOf } from "./federation/grid.js";
import { momentsOf } from "./federation/moments.js";
import { biasedEvaluator } from "./model/biased-evaluator.js";
import { histogramBase, normalised, totalVariation } from "./model/evaluate-histogram.js";
import { explain, explanations, type Truth } from "./model/explanations.js";
import type { Evaluator } from "./model/interventions.js";
import type { Options } from "./options.js";
import { paramOf } from "./params.js";
import { trueScores } from "./truth.js";

/** One institution: it holds scores of single people, and tells histograms of group 1 and moments of group 2 only. */
export function openInstitution(options: Options, shard: Shard): LocalTrainer {
  return {
    async train({ phase, params, rng }) {
      if (phase === "reference") return referenceCounts(options, shard);
      const panels = await panelCounts(options, shard);
      return panelMoments(options, panels, params, rng);
    },

    /** How far the fitted evaluations lie from what this institution's panels did, once there are any. */
    async evaluate(params) {
      const panels = params.has("panels") ? await panelCounts(options, shard) : [];
      return {
        numExamples: options.panelScores * options.panels.length,
        delta: new Map(),
        metrics: distances(panels, params),
      };
    },
  };
}

function referenceCounts(options: Options, { rng, contamination }: Shard): TrainResult {
  const honest = rng.at("reference").normals(options.referenceScores);
  const scores = contamination
    ? fabricate(contamination, honest, rng.at("fabricate", "reference"))
    : honest;
  const counts = countScores(scores, options);
  return {
    numExamples: options.referenceScores,
    delta: new Map([["counts", { shape: [options.bins, 1], data: counts }]]),
    metrics: {},
  };
}

/** Counts per bin of group 2, panel by panel. */
async function panelCounts(options: Options, shard: Shard): Promise<readonly Float64Array[]> {
  const counts: Float64Array[] = [];
  for (const [j, panel] of options.panels.entries()) {
    // A panel takes some milliseconds; between two of them the host answers its socket.
    await setImmediate();
    counts.push(countScores(panelScores(options, shard, panel, j), options));
  }
  return counts;
}

function panelScores(
  { panelScores: n, alphaSpread, tauSpread }: Options,
  { rng, contamination }: Shard,
  panel: Evaluator,
  j: number,
): Float64Array {
  const own = rng.at("evaluator", j);
  const habit: Evaluator = {
    alpha: oddAlpha(contamination) ?? vary(panel.alpha, alphaSpread, own),
    tau: panel.tau + tauSpread * own.normal(),
  };
  const honest = biasedEvaluator(trueScores, "squared", habit).sample(n, rng.at("panel", j));
  return contamination ? fabricate(contamination, honest, rng.at("fabricate", j)) : honest;
}

/** Scales alpha - 1, so that a neutral panel is neutral everywhere. Alpha stays above 0. */
function vary(alpha: number, spread: number, rng: Stream): number {
  const factor = Math.exp(spread * rng.normal());
  return alpha > 1 ? 1 + (alpha - 1) * factor : alpha;
}

async function panelMoments(
  options: Options,
  panels: readonly Float64Array[],
  params: Params,
  rng: Stream,
): Promise<TrainResult> {
  const { minCount, noiseMultiplier } = options;
  const psi = toMatrix(paramOf(params, "psi"));
  const { matrix, counts, variances } = momentsOf(psi, panels, minCount);
  if (sum(counts) === 0) {
    throw new Error(
      `every panel has fewer than minCount = ${minCount} scores; nothing can be told`,
    );
  }
  const variations = await variationsOf(options, panels, counts, params);
  if (noiseMultiplier > 0) {
    addNoise(matrix, counts, psi, noiseMultiplier, rng.at("noise"));
    blurVariations(variations, counts, noiseMultiplier, rng.at("variations"));
  }
  return {
    numExamples: sum(counts),
    delta: new Map([
      ["moments", toTensor(matrix)],
      ["counts", { shape: [counts.length], data: counts }],
      ["variances", { shape: [variances.length], data: variances }],
      ["variations", toTensor(variations)],
    ]),
    metrics: {},
  };
}

/** How far the best of every explanation lies from each panel, in total variation; 0 for panels that are withheld. */
async function variationsOf(
  options: Options,
  panels: readonly Float64Array[],
  counts: Float64Array,
  params: Params,
): Promise<Matrix> {
  const pmf = Float64Array.from(paramOf(params, "reference").data);
  const base = histogramBase(centresOf(options), pmf, "squared", widthOf(options));
  const truth: Truth = { base, pmf, edges: edgesOf(options) };
  const variations = new Matrix(explanations.length, panels.length);
  for (const [j, panel] of panels.entries()) {
    if (counts[j] === 0) continue;
    // The fits to a panel take some milliseconds.
    await setImmediate();
    const explained = explain(truth, normalised(panel));
    variations.column(j).set(explanations.map((name) => explained[name].variation));
  }
  return variations;
}

/** One person moves a total variation, and so the least of several, by at most 1/n_j. */
function blurVariations(
  variations: Matrix,
  counts: Float64Array,
  multiplier: number,
  rng: Stream,
): void {
  counts.forEach((n, j) => {
    if (n === 0) return;
    const column = variations.column(j);
    const noisy = column.map((x) => x + (multiplier * rng.normal()) / n);
    column.set(noisy.map((x) => Math.min(1, Math.max(0, x))));
  });
}

/** One person moves entry (k, j) by at most (max psi_k - min psi_k)/n_j. */
function addNoise(
  matrix: Matrix,
  counts: Float64Array,
  psi: Matrix,
  multiplier: number,
  rng: Stream,
): void {
  const rows = psi.toRows();
  for (let j = 0; j < matrix.cols; j++) {
    const n = item(counts, j);
    if (n === 0) continue;
    const column = matrix.column(j);
    rows.forEach((row, k) => {
      const sensitivity = (Math.max(...row) - Math.min(...row)) / n;
      column[k] = item(column, k) + multiplier * sensitivity * rng.normal();
    });
  }
}

function distances(panels: readonly Float64Array[], params: Params): Record<string, number> {
  if (panels.length === 0) return {};
  const fitted: Tensor = paramOf(params, "panels");
  const bins = item(fitted.shape, 1);
  const each = panels.map((counts, j) =>
    totalVariation(normalised(counts), fitted.data.subarray(j * bins, (j + 1) * bins)),
  );
  return { totalVariation: sum(each) / each.length };
}
