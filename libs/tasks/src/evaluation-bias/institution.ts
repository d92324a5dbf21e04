import {
  matrixOf,
  tensorOf,
  type LocalTrainer,
  type Params,
  type Shard,
  type Tensor,
  type TrainResult,
} from "@fedclair/core";
import { Matrix, sum, type Stream } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import { fabricate, oddAlpha } from "./contaminations.js";
import { countScores } from "./federation/grid.js";
import { momentsOf } from "./federation/moments.js";
import { biasedEvaluator } from "./model/biased-evaluator.js";
import { normalised, totalVariation } from "./model/evaluate-histogram.js";
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
      return panelMoments(options, panels, matrixOf(paramOf(params, "psi")), rng);
    },

    /** How far the fitted evaluations lie from what this institution's panels did, once there are any. */
    async evaluate(params) {
      const panels = params.has("panels") ? await panelCounts(options, shard) : [];
      return {
        numExamples: options.panelScores * options.panels.length,
        modules: new Map(),
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
    modules: new Map([["counts", { shape: [options.bins, 1], data: counts }]]),
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

function panelMoments(
  { minCount, noiseMultiplier }: Options,
  panels: readonly Float64Array[],
  psi: Matrix,
  rng: Stream,
): TrainResult {
  const { matrix, counts, variances } = momentsOf(psi, panels, minCount);
  if (sum(counts) === 0) {
    throw new Error(
      `every panel has fewer than minCount = ${minCount} scores; nothing can be told`,
    );
  }
  if (noiseMultiplier > 0) addNoise(matrix, counts, psi, noiseMultiplier, rng.at("noise"));
  return {
    numExamples: sum(counts),
    modules: new Map([
      ["moments", tensorOf(matrix)],
      ["counts", { shape: [counts.length], data: counts }],
      ["variances", { shape: [variances.length], data: variances }],
    ]),
    metrics: {},
  };
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
    const n = counts[j] ?? 0;
    if (n === 0) continue;
    const column = matrix.column(j);
    rows.forEach((row, k) => {
      const sensitivity = (Math.max(...row) - Math.min(...row)) / n;
      column[k] = (column[k] ?? NaN) + multiplier * sensitivity * rng.normal();
    });
  }
}

function distances(panels: readonly Float64Array[], params: Params): Record<string, number> {
  if (panels.length === 0) return {};
  const fitted: Tensor = paramOf(params, "panels");
  const bins = fitted.shape[1] ?? 0;
  const each = panels.map((counts, j) =>
    totalVariation(normalised(counts), fitted.data.subarray(j * bins, (j + 1) * bins)),
  );
  return { totalVariation: sum(each) / each.length };
}
