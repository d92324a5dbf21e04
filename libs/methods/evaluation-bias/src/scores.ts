import type { Shard, Task } from "@fedclair/core";
import { item, type Stream } from "@fedclair/linalg";
import { riskAversenessOf } from "./contaminations.js";
import { createBiasedEvaluator } from "./model/biased-evaluator.js";
import type { Evaluator } from "./model/interventions.js";
import type { Options } from "./options.js";
import { trueScores } from "./truth.js";

/** The scores of all institutions, simulated or from a table, before any is fabricated. */
export interface InstitutionScores {
  /** The number of panels. */
  readonly panels: number;
  /** Names of the panels, if the data name them. */
  readonly names?: readonly string[];
  /** Returns an institution's scores of group 1, on the standardised scale. */
  reference(shard: Shard): Float64Array;
  /** Returns an institution's scores of group 2 by panel `j`, from 0. */
  panel(shard: Shard, j: number): Float64Array;
  /** Returns the number of an institution's people in group 2, over all panels. */
  people(shard: Shard): number;
  /** The members of the task that follow from the data. */
  readonly members?: Pick<Task, "checkClients" | "clientLabel" | "notice">;
}

/** Simulates the scores: those of group 1 are exact, those of group 2 follow the model. */
export function simulateScores(options: Options): InstitutionScores {
  const { panels, referenceScores, panelScores } = options;
  return {
    panels: panels.length,
    reference: ({ rng }) => rng.at("reference").normals(referenceScores),
    panel: (shard, j) => samplePanel(options, shard, j),
    people: () => panelScores * panels.length,
  };
}

function samplePanel(
  { panels, panelScores, alphaSpread, tauSpread }: Options,
  { rng, contamination }: Shard,
  j: number,
): Float64Array {
  const panel = item(panels, j);
  const own = rng.at("evaluator", j);
  const habit: Evaluator = {
    alpha: riskAversenessOf(contamination) ?? varyAlpha(panel.alpha, alphaSpread, own),
    tau: panel.tau + tauSpread * own.normal(),
  };
  return createBiasedEvaluator(trueScores, "squared", habit).sample(
    panelScores,
    rng.at("panel", j),
  );
}

/**
 * Scales alpha - 1 by a random factor. A panel with alpha ≤ 1 keeps its alpha, so a neutral panel
 * is neutral everywhere. Alpha stays above 0.
 */
function varyAlpha(alpha: number, spread: number, rng: Stream): number {
  const factor = Math.exp(spread * rng.normal());
  return alpha > 1 ? 1 + (alpha - 1) * factor : alpha;
}
