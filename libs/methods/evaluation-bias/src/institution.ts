import {
  readNumbers,
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
import { fabricate } from "./contaminations.js";
import { listCentres, countScores, listEdges, widthOf } from "./federation/grid.js";
import { computeMoments } from "./federation/moments.js";
import { histogramBase, normalise, totalVariation } from "./model/evaluate-histogram.js";
import { explain, explanations, type TrueScores } from "./model/explanations.js";
import type { Options } from "./options.js";
import { getParam } from "./params.js";
import type { InstitutionScores } from "./scores.js";

/**
 * Opens one institution. It holds the scores of individual people, and sends only histograms of
 * group 1 and moments of group 2.
 */
export function openInstitution(
  options: Options,
  scores: InstitutionScores,
  shard: Shard,
): LocalTrainer {
  return {
    async train({ phase, params, rng }) {
      if (phase === "reference") return countReference(options, scores, shard);
      const panels = await countPanels(options, scores, shard);
      return sendMoments(options, panels, params, rng);
    },

    /**
     * Measures the distance of the fitted evaluations from this institution's panels, once there
     * are fits.
     */
    async evaluate(params) {
      const panels = params.has("panels") ? await countPanels(options, scores, shard) : [];
      return {
        numExamples: scores.people(shard),
        delta: new Map(),
        metrics: computeDistances(panels, params),
      };
    },
  };
}

function countReference(options: Options, scores: InstitutionScores, shard: Shard): TrainResult {
  const honest = scores.reference(shard);
  const counts = countScores(contaminate(honest, shard, "reference"), options);
  return {
    numExamples: honest.length,
    delta: new Map([["counts", { shape: [options.bins, 1], data: counts }]]),
    metrics: {},
  };
}

/** Counts group 2's scores per bin, panel by panel. */
async function countPanels(
  options: Options,
  scores: InstitutionScores,
  shard: Shard,
): Promise<readonly Float64Array[]> {
  const counts: Float64Array[] = [];
  for (let j = 0; j < scores.panels; j++) {
    // A panel takes some milliseconds; yield so that the host can serve its socket.
    await setImmediate();
    counts.push(countScores(contaminate(scores.panel(shard, j), shard, j), options));
  }
  return counts;
}

function contaminate(
  honest: Float64Array,
  { contamination, rng }: Shard,
  key: string | number,
): Float64Array {
  return contamination ? fabricate(contamination, honest, rng.at("fabricate", key)) : honest;
}

async function sendMoments(
  options: Options,
  panels: readonly Float64Array[],
  params: Params,
  rng: Stream,
): Promise<TrainResult> {
  const { minCount, noiseMultiplier } = options;
  const psi = toMatrix(getParam(params, "psi"));
  const { matrix, counts, variances } = computeMoments(psi, panels, minCount);
  if (sum(counts) === 0) {
    throw new Error(
      `every panel has fewer than minCount = ${minCount} scores; no moments can be sent`,
    );
  }
  const variations = await computeVariations(options, panels, counts, params);
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

/**
 * Computes the total variation between each panel and the best fit of every explanation; 0 for
 * panels that are withheld.
 */
async function computeVariations(
  options: Options,
  panels: readonly Float64Array[],
  counts: Float64Array,
  params: Params,
): Promise<Matrix> {
  const pmf = Float64Array.from(readNumbers(getParam(params, "reference")));
  const base = histogramBase(listCentres(options), pmf, "squared", widthOf(options));
  const truth: TrueScores = { base, pmf, edges: listEdges(options) };
  const variations = new Matrix(explanations.length, panels.length);
  for (const [j, panel] of panels.entries()) {
    if (counts[j] === 0) continue;
    // The fits to a panel take some milliseconds.
    await setImmediate();
    const fits = explain(truth, normalise(panel));
    variations.column(j).set(explanations.map((name) => fits[name].variation));
  }
  return variations;
}

/**
 * Adds noise in units of 1/n_j, the largest effect of one person on a total variation or
 * on the least of several.
 */
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

/**
 * Adds noise in units of (max psi_k - min psi_k)/n_j, the largest effect of one person on
 * entry (k, j).
 */
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

function computeDistances(panels: readonly Float64Array[], params: Params): Record<string, number> {
  if (panels.length === 0) return {};
  const fits: Tensor = getParam(params, "panels");
  const bins = item(fits.shape, 1);
  const each = panels.map((counts, j) =>
    totalVariation(normalise(counts), readNumbers(fits).subarray(j * bins, (j + 1) * bins)),
  );
  return { totalVariation: sum(each) / each.length };
}
