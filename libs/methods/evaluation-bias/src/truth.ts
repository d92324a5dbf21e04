import { yieldToEventLoop, type Metrics } from "@fedclair/core";
import { gaussian } from "./model/densities.js";
import { evaluateDensity, createTruth, type Evaluation } from "./model/evaluate-density.js";
import type { Fit } from "./model/fit.js";
import { planInterventions, type Evaluator, type Intervention } from "./model/interventions.js";
import { ModelError } from "./model/model-error.js";
import { select } from "./model/selection.js";
import type { Options } from "./options.js";
import { atSeats, type PanelReport } from "./panel-report.js";

/** The distribution of the simulated people's true scores, in both groups. */
export const trueScores = gaussian(0, 1);

/** Computes a panel's evaluation of group 2 without differences between institutions. */
export function trueEvaluation({ alpha, tau }: Evaluator): Evaluation {
  return evaluateDensity(trueScores, "squared", alpha, tau);
}

/**
 * Computes the errors of fits against the simulated truth: `alphaError.<panel>` relative,
 * `tauError.<panel>` in nats, and `shareError.<panel>` of group 2's share of the seats.
 * `interventionError.<panel>` is the largest error of this share under any intervention. Panels
 * count from 1. Each name without a panel has the largest error. Panels outside the model are NaN
 * and therefore left out.
 */
export async function computeErrors(
  options: Options,
  fits: readonly Fit[],
  reports: readonly PanelReport[],
): Promise<Metrics> {
  const errors: Record<(typeof kinds)[number], number>[] = [];
  for (const [j, panel] of options.panels.entries()) {
    const fit = fits[j];
    const report = reports[j];
    if (fit?.status !== "OK" || report === undefined) {
      errors.push({ alphaError: NaN, tauError: NaN, shareError: NaN, interventionError: NaN });
      continue;
    }
    const rows = atSeats(report, options.selection.c);
    const shares = await listTrueShares(panel, options.selection);
    const shareErrors = rows.flatMap(({ intervention, share2 }) => {
      const share = shares.get(intervention);
      return share === undefined ? [] : [{ intervention, error: Math.abs(share2 - share) }];
    });
    errors.push({
      alphaError: Math.abs(fit.alpha / panel.alpha - 1),
      tauError: Math.abs(fit.tau - panel.tau),
      shareError: shareErrors.find(({ intervention }) => intervention === "none")?.error ?? NaN,
      interventionError: Math.max(...shareErrors.map(({ error }) => error)),
    });
  }
  return Object.fromEntries(
    kinds.flatMap((kind) => [
      ...errors.map((error, j) => [`${kind}.${j + 1}`, error[kind]] as const),
      [kind, Math.max(...errors.map((error) => error[kind]))] as const,
    ]),
  );
}

const kinds = ["alphaError", "tauError", "shareError", "interventionError"] as const;

/** The entropy of the true scores, in nats. */
const trueEntropy = Math.log(2 * Math.PI * Math.E) / 2;

/** Computes group 2's true share of the seats under each intervention that has a solution. */
async function listTrueShares(
  panel: Evaluator,
  { frac2, c, ...settings }: Options["selection"],
): Promise<ReadonlyMap<Intervention, number>> {
  const truth = createTruth(trueScores);
  const shares = new Map<Intervention, number>();
  for (const { intervention, evaluator, rule } of planInterventions(panel, trueEntropy, settings)) {
    const observed = tryEvaluation(evaluator)?.distribution();
    if (observed !== undefined)
      shares.set(intervention, select(truth, observed, { frac2, c, rule }).share2);
    await yieldToEventLoop();
  }
  return shares;
}

function tryEvaluation(evaluator: Evaluator): Evaluation | undefined {
  try {
    return trueEvaluation(evaluator);
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}
