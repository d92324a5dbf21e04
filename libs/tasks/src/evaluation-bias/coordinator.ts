import {
  toTensor,
  type Aggregate,
  type Aggregation,
  type Ask,
  type Params,
  type Round,
  type Step,
  type Update,
} from "@fedclair/core";
import { sum, item } from "@fedclair/linalg";
import { setImmediate } from "node:timers/promises";
import { earlierOf, withEarlier, type Earlier } from "./earlier.js";
import { scoreModel, type ScoreModel } from "./federation/basis.js";
import { smoothed, trimmedPmf } from "./federation/grid.js";
import { fitColumn, pooled, type PanelMoments } from "./federation/moments.js";
import { noisy } from "./federation/subspace-detector.js";
import { normalised } from "./model/evaluate-histogram.js";
import { explanations } from "./model/explanations.js";
import type { Fit } from "./model/fit.js";
import type { Options } from "./options.js";
import {
  panelExplanations,
  variationMetrics,
  type PanelExplanations,
} from "./panel-explanations.js";
import { panelReport, type PanelReport } from "./panel-report.js";
import { paramOf } from "./params.js";
import {
  aggregated,
  benign,
  guarded,
  moduleOf,
  momentsOf,
  soundOf,
  warningOf,
  withInvalid,
} from "./screening.js";
import { errorsOf } from "./truth.js";

/** What the figures are drawn from. */
export interface Findings {
  /** The reference pmf, bin by bin. */
  readonly reference: readonly number[];
  readonly panels: readonly PanelReport[];
  /** Panel by panel: the model against its rivals. */
  readonly explanations: readonly PanelExplanations[];
  /** The institutions' own fits. */
  readonly institutions: readonly InstitutionFit[];
  /** Why the verdicts are to be taken with care. */
  readonly warning?: string;
}

/** One institution's fit to one of its panels; there is none where the panel is withheld or outside the model. */
export interface InstitutionFit {
  readonly clientId: string;
  readonly kept: boolean;
  /** 0-based. */
  readonly panel: number;
  readonly alpha: number;
  readonly tau: number;
}

/** What institutions send in a phase. */
export function askOf(phase: Phase, { bins, features, panels }: Options): Ask {
  const f64 = (...shape: number[]) => ({ shape, dtype: "f64", isDense: true }) as const;
  if (phase === "reference") return { phase, expects: new Map([["counts", f64(bins, 1)]]) };
  const expects = new Map([
    ["moments", f64(features, panels.length)],
    ["counts", f64(panels.length)],
    ["variances", f64(panels.length)],
    ["variations", f64(explanations.length, panels.length)],
  ]);
  return { phase, expects };
}

export type Phase = "reference" | "moments";

/**
 * Phase `reference`: the law of true scores from group 1, and the features that institutions average next. The aggregator
 * judges pmfs; institutions with impossible numbers are left out.
 */
export async function stepReference(
  options: Options,
  round: Round,
  aggregate: Aggregate,
): Promise<Step<Earlier>> {
  const shown = soundOf(round).map((update) => {
    const counts = moduleOf(update, "counts").data;
    const pmf = { shape: [counts.length, 1], data: normalised(counts) };
    return { ...update, numExamples: sum(counts), delta: new Map([["pmf", pmf]]) };
  });
  const aggregation = await aggregate(shown);
  const kept = benign(shown, aggregation.verdicts);
  const pmf = aggregation.verdicts
    ? trimmedPmf(kept.map(pmfOf), 0)
    : aggregated(aggregation, "pmf").data;
  const people = sum(shown.map(({ numExamples }) => numExamples));
  const reference = smoothed(normalised(pmf), people);
  const verdicts = withInvalid(aggregation.verdicts ?? [], round, shown);
  return {
    params: new Map([
      ["reference", { shape: [options.bins], data: reference }],
      ["psi", toTensor(modelOf(options, reference).psi)],
    ]),
    next: askOf("moments", options),
    verdicts,
    state: earlierOf(round.phase, verdicts),
  };
}

/**
 * Phase `moments`: who stands outside the common space, or inside it but far from the others, now or in the phase before;
 * the fits of the rest. The aggregator judges matrices of moments.
 */
export async function stepMoments(
  options: Options,
  round: Round<Earlier>,
  aggregate: Aggregate,
): Promise<Step<Earlier>> {
  const earlier = round.state;
  const model = modelOf(options, pmfOfParams(round.params));
  const sound = soundOf(round, earlier);
  const aggregation = await aggregate(sound.map(matrixShown));
  const judged = withEarlier(aggregation.verdicts, earlier, sound);
  const verdicts = judged && guarded(model, sound, judged);
  const kept = benign(sound, verdicts);
  const institutions = kept.map(momentsOf);
  const fits = options.panels.map((_, j) => {
    const column = verdicts ? pooled(institutions, j) : meanColumn(aggregation, institutions, j);
    return fitColumn(model, column);
  });
  const panels: PanelReport[] = [];
  for (const [j, fit] of fits.entries()) {
    // A panel's selections take tens of milliseconds.
    await setImmediate();
    panels.push(panelReport(model, fit, options, round.rng.at(j)));
  }
  const explained = fits.map((fit, j) => panelExplanations(kept, j, fit));
  const warning = verdicts && warningOf(verdicts, earlier);
  const findings: Findings = {
    reference: [...model.reference],
    panels,
    explanations: explained,
    institutions: sound.flatMap((update) => ownFits(model, update, kept.includes(update))),
    ...(warning === undefined ? {} : { warning }),
  };
  return {
    params: withPanels(round.params, fits),
    next: "end",
    verdicts: withInvalid(verdicts ?? [], round, sound, earlier),
    metrics: {
      ...errorsOf(options, model, fits),
      ...variationMetrics(explained),
      ...(verdicts && { warned: warning === undefined ? 0 : 1 }),
    },
    artifacts: { findings },
  };
}

function matrixShown(update: Update): Update {
  const institution = momentsOf(update);
  return {
    ...update,
    numExamples: sum(institution.counts),
    delta: new Map([["moments", toTensor(institution.matrix)]]),
    noise: noisy(institution).noise,
  };
}

function modelOf(options: Options, reference: Float64Array): ScoreModel {
  return scoreModel(reference, options, "squared", options.features);
}

function pmfOf(update: Update): Float64Array {
  return Float64Array.from(moduleOf(update, "pmf").data);
}

function pmfOfParams(params: Params): Float64Array {
  return Float64Array.from(paramOf(params, "reference").data);
}

/** Column j of a mean over all, those included that withheld it and sent zeros. */
function meanColumn(
  aggregation: Aggregation,
  institutions: readonly PanelMoments[],
  j: number,
): Float64Array {
  const { shape, data } = aggregated(aggregation, "moments");
  const cols = item(shape, 1);
  const people = institutions.map(({ counts }) => sum(counts));
  const telling = institutions.map(({ counts }, c) => (counts[j] === 0 ? 0 : item(people, c)));
  const coverage = sum(telling) / sum(people);
  return Float64Array.from(
    { length: item(shape, 0) },
    (_, k) => item(data, k * cols + j) / coverage,
  );
}

function ownFits(model: ScoreModel, update: Update, kept: boolean): InstitutionFit[] {
  const { matrix, counts } = momentsOf(update);
  return [...counts].flatMap((n, panel) => {
    const { status, alpha, tau } = fitColumn(model, matrix.column(panel));
    if (n === 0 || status !== "OK") return [];
    return [{ clientId: update.clientId, kept, panel, alpha, tau }];
  });
}

/** Adds the fitted pmfs, a row a panel, for the institutions to compare theirs with; nothing if a fit has none. */
function withPanels(params: Params, fits: readonly Fit[]): Params {
  const bins = fits[0]?.pmf.length ?? 0;
  const data = Float64Array.from(fits.flatMap(({ pmf }) => [...pmf]));
  if (!data.every(Number.isFinite)) return params;
  return new Map([...params, ["panels", { shape: [fits.length, bins], data }]]);
}
