import { item } from "@fedclair/linalg";
import type { ScoreModel } from "./federation/basis.js";
import { fitColumn, poolMoments, type PanelMoments } from "./federation/moments.js";
import type { Fit } from "./model/fit.js";
import type { Intervention } from "./model/interventions.js";
import type { Options } from "./options.js";
import { selectAtSeats } from "./panel-report.js";

/** A number with its 95 % interval; the ends are null if there are too few institutions. */
export interface Estimate {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** What an intervention on a panel does at the seats of the metrics. */
export interface Effect {
  readonly intervention: Intervention;
  /** Group 2's share of the seats. */
  readonly share2: Estimate;
  /** What it adds to the mean true score of the selected people, in standard deviations. */
  readonly gain: Estimate;
}

/** The parameters of a panel and the effects of interventions. */
export interface PanelEffects {
  readonly alpha: Estimate;
  readonly tau: Estimate;
  readonly effects: readonly Effect[];
}

/** Groups of institutions that are left out in turn, so that the work does not grow with them. */
const mostGroups = 20;

/** Fewest groups with an interval: the quantile below is off by 2 % for four degrees of freedom. */
const fewestGroups = 5;

/**
 * Estimates a panel's parameters and the effects of interventions on it. Intervals are a jackknife
 * over the institutions (Quenouille and Tukey 1958). They contain the differences between
 * institutions, but not the sampling error of the law of true scores.
 * @param fit to all institutions
 * @returns undefined for a panel outside the model
 */
export function estimateEffects(
  model: ScoreModel,
  institutions: readonly PanelMoments[],
  panel: number,
  fit: Fit,
  selection: Options["selection"],
): PanelEffects | undefined {
  if (fit.status !== "OK") return undefined;
  const sending = institutions.filter(({ counts }) => item(counts, panel) > 0);
  const groups = Math.min(mostGroups, sending.length);
  const partial =
    groups < fewestGroups
      ? []
      : Array.from({ length: groups }, (_, g) => {
          const others = sending.filter((_one, i) => i % groups !== g);
          return measure(model, fitColumn(model, poolMoments(others, panel)), selection);
        });
  const whole = measure(model, fit, selection);
  const estimate = (of: (measured: Measured) => number | undefined): Estimate =>
    jackknife(
      of(whole) ?? NaN,
      partial.map((one) => of(one) ?? NaN),
    );
  return {
    alpha: estimate(({ alpha }) => alpha),
    tau: estimate(({ tau }) => tau),
    effects: [...whole.selections.keys()].map((intervention) => ({
      intervention,
      share2: estimate(({ selections }) => selections.get(intervention)?.share2),
      gain: estimate(({ selections }) => selections.get(intervention)?.gain),
    })),
  };
}

interface Measured {
  readonly alpha: number;
  readonly tau: number;
  readonly selections: ReadonlyMap<
    Intervention,
    { readonly share2: number; readonly gain: number }
  >;
}

function measure(model: ScoreModel, fit: Fit, selection: Options["selection"]): Measured {
  const { alpha, tau } = fit;
  const rows = fit.status === "OK" ? selectAtSeats(model, fit, selection) : [];
  const plain = rows.find(({ intervention }) => intervention === "none")?.utility ?? NaN;
  const selections = new Map(
    rows.map(({ intervention, share2, utility }) => {
      return [intervention, { share2, gain: utility - plain }] as const;
    }),
  );
  return { alpha, tau, selections };
}

/** @param partial the value without each group in turn */
function jackknife(value: number, partial: readonly number[]): Estimate {
  const n = partial.length;
  const mean = partial.reduce((sum, x) => sum + x, 0) / n;
  const squares = partial.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  const half = studentQuantile(n - 1) * Math.sqrt((squares * (n - 1)) / n);
  if (!Number.isFinite(half)) return { value, low: null, high: null };
  return { value, low: value - half, high: value + half };
}

/** The 97.5 % quantile of Student's t distribution, by Fisher and Cornish's expansion. */
function studentQuantile(freedom: number): number {
  const z = 1.959963984540054;
  const second = (z ** 3 + z) / (4 * freedom);
  return z + second + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}
