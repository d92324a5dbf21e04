import type { Metrics } from "@fedclair/core";
import type { ScoreModel } from "./federation/basis.js";
import { listEdges } from "./federation/grid.js";
import { gaussian } from "./model/densities.js";
import { evaluateDensity, createTruth, type Evaluation } from "./model/evaluate-density.js";
import type { Fit } from "./model/fit.js";
import type { Evaluator } from "./model/interventions.js";
import { histogramDistribution } from "./model/score-distribution.js";
import { select } from "./model/selection.js";
import type { Options } from "./options.js";

/** The distribution of the simulated people's true scores, in both groups. */
export const trueScores = gaussian(0, 1);

/** Computes a panel's evaluation of group 2 without differences between institutions. */
export function trueEvaluation({ alpha, tau }: Evaluator): Evaluation {
  return evaluateDensity(trueScores, "squared", alpha, tau);
}

/**
 * Computes the errors of fits against the simulated truth: `alphaError.<panel>` relative,
 * `tauError.<panel>` in nats, and `shareError.<panel>` of group 2's share of the seats, from panel
 * 1 on, and the largest error of each kind. Panels outside the model are NaN and therefore left
 * out.
 */
export function computeErrors(options: Options, model: ScoreModel, fits: readonly Fit[]): Metrics {
  const edges = listEdges(model.grid);
  const setting = { ...options.selection, rule: { name: "none" } } as const;
  const reference = histogramDistribution(model.reference, edges);
  const errors = options.panels.map((panel, j) => {
    const fit = fits[j];
    if (fit?.status !== "OK") return { alphaError: NaN, tauError: NaN, shareError: NaN };
    const truth = select(createTruth(trueScores), trueEvaluation(panel).distribution(), setting);
    const fitted = select(reference, histogramDistribution(fit.pmf, edges), setting);
    return {
      alphaError: Math.abs(fit.alpha / panel.alpha - 1),
      tauError: Math.abs(fit.tau - panel.tau),
      shareError: Math.abs(fitted.share2 - truth.share2),
    };
  });
  const kinds = ["alphaError", "tauError", "shareError"] as const;
  return Object.fromEntries(
    kinds.flatMap((kind) => [
      ...errors.map((error, j) => [`${kind}.${j + 1}`, error[kind]] as const),
      [kind, Math.max(...errors.map((error) => error[kind]))] as const,
    ]),
  );
}
