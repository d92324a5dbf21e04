import {
  readNumbers,
  toTensor,
  type Aggregate,
  type Aggregation,
  type Ask,
  type Metrics,
  type Params,
  type Round,
  type Step,
  type Update,
} from "@fedclair/core";
import { sum, item } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import { prepareEarlier, combineWithEarlier, type EarlierVerdicts } from "./earlier.js";
import { createScoreModel, type ScoreModel } from "./federation/basis.js";
import { smooth, trimmedPmf, trimOfEachSide } from "./federation/grid.js";
import { fitColumn, poolMoments, type PanelMoments } from "./federation/moments.js";
import { toNoisyMatrix } from "./federation/subspace-detector.js";
import { normalise } from "./model/evaluate-histogram.js";
import { explanations } from "./model/explanations.js";
import type { Fit } from "./model/fit.js";
import type { Options } from "./options.js";
import {
  summariseExplanations,
  variationMetrics,
  type PanelExplanations,
} from "./panel-explanations.js";
import { estimateEffects, type PanelEffects } from "./effects.js";
import { createPanelReport, selectionMetrics, type PanelReport } from "./panel-report.js";
import { getParam } from "./params.js";
import {
  readAggregate,
  selectBenign,
  applyGuard,
  getDenseModule,
  readMoments,
  selectPossible,
  findWarning,
  addInvalid,
} from "./screening.js";
import type { InstitutionScores } from "./scores.js";
import { computeErrors } from "./truth.js";

/** The data behind the task's figures. */
export interface Findings {
  /** The reference pmf, bin by bin. */
  readonly reference: readonly number[];
  readonly panels: readonly PanelReport[];
  /** Null for a panel outside the model. */
  readonly effects: readonly (PanelEffects | null)[];
  /** The model compared with the other explanations, panel by panel. */
  readonly explanations: readonly PanelExplanations[];
  /** The fits to each institution's own panels. */
  readonly institutions: readonly InstitutionFit[];
  /** The reason to treat the verdicts with care, if there is one. */
  readonly warning?: string;
  /** Names of the panels of the user's own scores. */
  readonly names?: readonly string[];
}

/**
 * One institution's fit to one of its panels. Panels that are withheld or outside the model have no
 * fit.
 */
interface InstitutionFit {
  readonly clientId: string;
  readonly kept: boolean;
  /** Index of the panel, from 0. */
  readonly panel: number;
  readonly alpha: number;
  readonly tau: number;
}

/** Returns the phase and the tensors that institutions have to send in it. */
export function createAsk(phase: Phase, { bins, features }: Options, panels: number): Ask {
  const f64 = (...shape: number[]) => ({ shape, dtype: "f64", isDense: true }) as const;
  if (phase === "reference") return { phase, expects: new Map([["counts", f64(bins, 1)]]) };
  const expects = new Map([
    ["moments", f64(features, panels)],
    ["counts", f64(panels)],
    ["variances", f64(panels)],
    ["variations", f64(explanations.length, panels)],
  ]);
  return { phase, expects };
}

export type Phase = "reference" | "moments";

/**
 * Runs phase `reference`: estimates the distribution of true scores from group 1, and the features
 * that institutions average next. The aggregator compares pmfs. Institutions that send impossible
 * numbers are left out.
 */
export async function stepReference(
  options: Options,
  { panels }: InstitutionScores,
  round: Round,
  aggregate: Aggregate,
): Promise<Step<EarlierVerdicts>> {
  const pmfUpdates = selectPossible(round).map((update) => {
    const counts = readNumbers(getDenseModule(update, "counts"));
    const pmf = { shape: [counts.length, 1], data: normalise(counts) };
    return { ...update, numExamples: sum(counts), delta: new Map([["pmf", pmf]]) };
  });
  const aggregation = await aggregate(pmfUpdates);
  const admitted = selectBenign(pmfUpdates, aggregation.verdicts);
  const pmf = aggregation.verdicts
    ? trimmedPmf(admitted.map(readPmf), trimOfEachSide) // some fabrications show only in moments
    : readNumbers(readAggregate(aggregation, "pmf"));
  const people = sum(pmfUpdates.map(({ numExamples }) => numExamples));
  const reference = smooth(normalise(pmf), people);
  const verdicts = addInvalid(aggregation.verdicts ?? [], round, pmfUpdates);
  return {
    params: new Map([
      ["reference", { shape: [options.bins], data: reference }],
      ["psi", toTensor(createModel(options, reference).psi)],
    ]),
    next: createAsk("moments", options, panels),
    verdicts,
    state: prepareEarlier(round.phase, verdicts),
  };
}

/**
 * Runs phase `moments`: flags institutions outside the common space, or inside it but far from the
 * others, in this phase or the one before, and fits the panels of the others. The aggregator
 * compares matrices of moments.
 */
export async function stepMoments(
  options: Options,
  scores: InstitutionScores,
  round: Round<EarlierVerdicts>,
  aggregate: Aggregate,
): Promise<Step<EarlierVerdicts>> {
  const earlier = round.state;
  const model = createModel(options, readReference(round.params));
  const updates = selectPossible(round, earlier);
  const aggregation = await aggregate(updates.map(toMatrixUpdate));
  const combined = combineWithEarlier(aggregation.verdicts, earlier, updates);
  const verdicts = combined && applyGuard(model, updates, combined);
  const admitted = selectBenign(updates, verdicts);
  const institutions = admitted.map(readMoments);
  const fits = Array.from({ length: scores.panels }, (_, j) => {
    const column = verdicts
      ? poolMoments(institutions, j)
      : computeMeanColumn(aggregation, institutions, j);
    return fitColumn(model, column);
  });
  const panels: PanelReport[] = [];
  const effects: (PanelEffects | null)[] = [];
  for (const [j, fit] of fits.entries()) {
    // A panel's selections take tens of milliseconds.
    await setImmediate();
    panels.push(createPanelReport(model, fit, options, round.rng.at(j)));
    effects.push(estimateEffects(model, institutions, j, fit, options.selection) ?? null);
  }
  const panelExplanations = fits.map((fit, j) => summariseExplanations(admitted, j, fit));
  const warning = verdicts && findWarning(verdicts, earlier);
  const findings: Findings = {
    reference: [...model.reference],
    panels,
    effects,
    explanations: panelExplanations,
    institutions: updates.flatMap((update) => fitPanels(model, update, admitted.includes(update))),
    ...(warning === undefined ? {} : { warning }),
    ...(scores.names && { names: scores.names }),
  };
  return {
    params: addPanels(round.params, fits),
    next: "end",
    verdicts: addInvalid(verdicts ?? [], round, updates, earlier),
    metrics: {
      ...(options.source ? listFits(fits) : await computeErrors(options, fits, panels)),
      ...selectionMetrics(panels, options.selection.c),
      ...variationMetrics(panelExplanations),
      ...(verdicts && { warned: warning === undefined ? 0 : 1 }),
    },
    artifacts: { findings },
  };
}

/** Lists the fitted parameters by panel; panels outside the model are left out. */
function listFits(fits: readonly Fit[]): Metrics {
  return Object.fromEntries(
    fits.flatMap(({ status, alpha, tau }, j): [string, number][] =>
      status === "OK"
        ? [
            [`alpha.${j + 1}`, alpha],
            [`tau.${j + 1}`, tau],
          ]
        : [],
    ),
  );
}

function toMatrixUpdate(update: Update): Update {
  const institution = readMoments(update);
  return {
    ...update,
    numExamples: sum(institution.counts),
    delta: new Map([["moments", toTensor(institution.matrix)]]),
    noise: toNoisyMatrix(institution).noise,
  };
}

function createModel(options: Options, reference: Float64Array): ScoreModel {
  return createScoreModel(reference, options, "squared", options.features);
}

function readPmf(update: Update): Float64Array {
  return Float64Array.from(readNumbers(getDenseModule(update, "pmf")));
}

function readReference(params: Params): Float64Array {
  return Float64Array.from(readNumbers(getParam(params, "reference")));
}

/**
 * Returns column j of a mean over all institutions. Those that withheld the panel contribute zeros,
 * so the mean is divided by the share of people in institutions that sent it.
 */
function computeMeanColumn(
  aggregation: Aggregation,
  institutions: readonly PanelMoments[],
  j: number,
): Float64Array {
  const moments = readAggregate(aggregation, "moments");
  const data = readNumbers(moments);
  const [rows = 0, cols = 0] = moments.shape;
  const people = institutions.map(({ counts }) => sum(counts));
  const sending = institutions.map(({ counts }, c) => (counts[j] === 0 ? 0 : item(people, c)));
  const coverage = sum(sending) / sum(people);
  return Float64Array.from({ length: rows }, (_, k) => item(data, k * cols + j) / coverage);
}

function fitPanels(model: ScoreModel, update: Update, kept: boolean): InstitutionFit[] {
  const { matrix, counts } = readMoments(update);
  return [...counts].flatMap((n, panel) => {
    const { status, alpha, tau } = fitColumn(model, matrix.column(panel));
    if (n === 0 || status !== "OK") return [];
    return [{ clientId: update.clientId, kept, panel, alpha, tau }];
  });
}

/**
 * Adds the fitted pmfs to the params, one row per panel, so that institutions can compare theirs
 * with them. Adds nothing if a fit has no pmf.
 */
function addPanels(params: Params, fits: readonly Fit[]): Params {
  const bins = fits[0]?.pmf.length ?? 0;
  const data = Float64Array.from(fits.flatMap(({ pmf }) => [...pmf]));
  if (!data.every(Number.isFinite)) return params;
  return new Map([...params, ["panels", { shape: [fits.length, bins], data }]]);
}
