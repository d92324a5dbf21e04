import { widthOf, edgesOf } from "./federation/grid.js";
import type { ScoreModel } from "./federation/basis.js";
import { evaluateHistogram, shannon } from "./model/evaluate-histogram.js";
import type { Fit } from "./model/fit.js";
import { reduceSkew, shiftTau, type Evaluator } from "./model/interventions.js";
import { ModelError } from "./model/model-error.js";
import { histogramDistribution } from "./model/score-distribution.js";
import { select, type SeatRule, type Selection } from "./model/selection.js";
import type { Options } from "./options.js";

/** What an operator might do, or not do, about a biased evaluation. */
export type Intervention = "none" | "reduceSkew" | "shiftTau" | "atleast" | "proportional";

/** A selection with so many seats under an intervention; `c` is seats over population. */
export interface SelectionRow extends Selection {
  readonly intervention: Intervention;
  readonly c: number;
}

/** One panel as the coordinator sees it: a selection table where an evaluation fits. */
export interface PanelReport {
  readonly status: Fit["status"];
  /** Null where the likelihood has no maximum. */
  readonly alpha: number | null;
  readonly tau: number | null;
  /** The tau of the intervention `shiftTau`. */
  readonly shiftedTau: number | null;
  readonly pmf: readonly number[];
  /** Empty for a panel outside the model. */
  readonly selection: readonly SelectionRow[];
}

/** Seats over population in the curves. */
const seatShares = [0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5];

export function panelReport(
  model: ScoreModel,
  fit: Fit,
  { frac2, atleast, rho }: Options["selection"],
): PanelReport {
  const { status, alpha, tau, pmf } = fit;
  const finite = (x: number) => (Number.isFinite(x) ? x : null);
  const shifted = shiftTau({ alpha, tau }, rho, trueEntropy(model));
  const report = {
    ...{ status, alpha: finite(alpha), tau: finite(tau), shiftedTau: finite(shifted.tau) },
    pmf: [...pmf],
  };
  if (status !== "OK") return { ...report, selection: [] };
  const edges = edgesOf(model.grid);
  const truth = histogramDistribution(model.reference, edges);
  const rows = (intervention: Intervention, observed: Float64Array, rule: SeatRule) => {
    const law = histogramDistribution(observed, edges);
    return seatShares.map((c): SelectionRow => ({
      intervention,
      c,
      ...select(truth, law, { frac2, c, rule }),
    }));
  };
  const changed = (intervention: Intervention, evaluator: Evaluator) => {
    const observed = observedBy(model, evaluator);
    return observed === undefined ? [] : rows(intervention, observed, { name: "none" });
  };
  return {
    ...report,
    selection: [
      ...rows("none", pmf, { name: "none" }),
      ...changed("reduceSkew", reduceSkew({ alpha, tau }, rho)),
      ...changed("shiftTau", shifted),
      ...rows("atleast", pmf, { name: "atleast", share: atleast }),
      ...rows("proportional", pmf, { name: "proportional" }),
    ],
  };
}

/** Differential entropy of the true scores, nats. */
function trueEntropy({ reference, grid }: ScoreModel): number {
  return shannon(reference) + Math.log(widthOf(grid));
}

/** Undefined for an evaluator that an intervention took out of what the grid can show. */
function observedBy(model: ScoreModel, { alpha, tau }: Evaluator): Float64Array | undefined {
  try {
    return evaluateHistogram(model.base, alpha, tau).pmf;
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}
