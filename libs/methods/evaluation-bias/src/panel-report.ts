import type { Metrics } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { widthOf, listEdges } from "./federation/grid.js";
import type { ScoreModel } from "./federation/basis.js";
import { evaluateHistogram, shannon } from "./model/evaluate-histogram.js";
import type { Fit } from "./model/fit.js";
import {
  planInterventions,
  shiftTau,
  type Evaluator,
  type Intervention,
} from "./model/interventions.js";
import { ModelError } from "./model/model-error.js";
import { histogramDistribution, type ScoreDistribution } from "./model/score-distribution.js";
import { simulateScheduler, type Participation } from "./model/scheduler.js";
import { select, type SeatRule, type SelectionOutcome } from "./model/selection.js";
import type { Options } from "./options.js";

/** A selection under an intervention; `c` is seats over population. */
export interface SelectionRow extends SelectionOutcome {
  readonly intervention: Intervention;
  readonly c: number;
}

/** Participation in the rounds of a federation under an intervention on its scheduler. */
export interface SchedulingRow extends Omit<Participation, "ratio"> {
  readonly intervention: Intervention;
  /** Null if no client of group 1 takes part. */
  readonly ratio: number | null;
}

/** The coordinator's report on one panel, with selection tables if an evaluation fits. */
export interface PanelReport {
  readonly status: Fit["status"];
  /** Null if the likelihood has no maximum. */
  readonly alpha: number | null;
  readonly tau: number | null;
  /** The tau after the intervention `shiftTau`. */
  readonly shiftedTau: number | null;
  readonly pmf: readonly number[];
  /** Empty for a panel outside the model. */
  readonly selection: readonly SelectionRow[];
  /** Empty for a panel outside the model. */
  readonly scheduling: readonly SchedulingRow[];
}

/** Seats over population in the curves. */
const seatShares = [0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5];

/**
 * Creates the report on one panel.
 * @param rng for the simulated scheduler
 */
export function createPanelReport(
  model: ScoreModel,
  fit: Fit,
  options: Pick<Options, "selection" | "scheduler">,
  rng: Stream,
): PanelReport {
  const { status, alpha, tau, pmf } = fit;
  const finite = (x: number) => (Number.isFinite(x) ? x : null);
  const { frac2, rho, c: seatsOfMetrics } = options.selection;
  const entropy = computeTrueEntropy(model);
  const report = {
    status,
    alpha: finite(alpha),
    tau: finite(tau),
    shiftedTau: finite(shiftTau({ alpha, tau }, rho, entropy).tau),
    pmf: [...pmf],
  };
  if (status !== "OK") return { ...report, selection: [], scheduling: [] };
  const truth = trueDistribution(model);
  const settings = listSettings(model, fit, options.selection);
  const shares = [...new Set([...seatShares, seatsOfMetrics])].sort((a, b) => a - b);
  const { clients, seats, rounds } = options.scheduler;
  const group2 = Math.min(clients - 1, Math.max(1, Math.round(frac2 * clients)));
  const federation = { group1: clients - group2, group2, seats, rounds };
  return {
    ...report,
    selection: settings.flatMap(({ intervention, law, rule }) =>
      shares.map((c) => ({
        intervention,
        c,
        ...select(truth, law, { frac2, c, rule }),
      })),
    ),
    scheduling: settings.map(({ intervention, law, rule }) => {
      // Every intervention uses the same clients.
      const row = simulateScheduler(truth, law, { ...federation, rule }, rng.at("scheduler"));
      return { intervention, ...row, ratio: finite(row.ratio) };
    }),
  };
}

function trueDistribution({ reference, grid }: ScoreModel): ScoreDistribution {
  return histogramDistribution(reference, listEdges(grid));
}

interface Setting {
  readonly intervention: Intervention;
  readonly law: ScoreDistribution;
  readonly rule: SeatRule;
}

/**
 * Lists the interventions on a fitted panel. One may lead to an evaluator that has no solution on
 * the grid; it is left out.
 */
function listSettings(
  model: ScoreModel,
  { alpha, tau, pmf }: Fit,
  selection: Options["selection"],
): Setting[] {
  const fitted: Evaluator = { alpha, tau };
  const edges = listEdges(model.grid);
  return planInterventions(fitted, computeTrueEntropy(model), selection).flatMap(
    ({ intervention, evaluator, rule }) => {
      const observed = evaluator === fitted ? pmf : tryEvaluate(model, evaluator);
      if (observed === undefined) return [];
      return [{ intervention, law: histogramDistribution(observed, edges), rule }];
    },
  );
}

/** Selects at the seats of the metrics, under each intervention on a fitted panel. */
export function selectAtSeats(
  model: ScoreModel,
  fit: Fit,
  selection: Options["selection"],
): readonly SelectionRow[] {
  const truth = trueDistribution(model);
  const { frac2, c } = selection;
  return listSettings(model, fit, selection).map(({ intervention, law, rule }) => {
    return { intervention, c, ...select(truth, law, { frac2, c, rule }) };
  });
}

/** Lists the rows of a report at a share of the seats over the population. */
export function atSeats({ selection }: PanelReport, c: number): readonly SelectionRow[] {
  return selection.filter((row) => row.c === c);
}

/**
 * Lists `share2.<intervention>.<panel>`, group 2's share of the seats, and
 * `utility.<intervention>.<panel>`, the mean true score of the selected people, from panel 1 on.
 * Panels outside the model are left out, and interventions without a solution.
 */
export function selectionMetrics(reports: readonly PanelReport[], c: number): Metrics {
  return Object.fromEntries(
    reports.flatMap((report, j) =>
      atSeats(report, c).flatMap(({ intervention, share2, utility }): [string, number][] => [
        [`share2.${intervention}.${j + 1}`, share2],
        [`utility.${intervention}.${j + 1}`, utility],
      ]),
    ),
  );
}

/** Computes the differential entropy of the true scores, in nats. */
function computeTrueEntropy({ reference, grid }: ScoreModel): number {
  return shannon(reference) + Math.log(widthOf(grid));
}

/** Evaluates the true scores; undefined if the evaluator has no solution on the grid. */
function tryEvaluate(model: ScoreModel, { alpha, tau }: Evaluator): Float64Array | undefined {
  try {
    return evaluateHistogram(model.base, alpha, tau).pmf;
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}
