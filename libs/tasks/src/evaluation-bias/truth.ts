import type { Metrics } from "@fedclair/core";
import type { ScoreModel } from "./federation/basis.js";
import { edgesOf } from "./federation/grid.js";
import { gaussian } from "./model/densities.js";
import { evaluateDensity, truthOf, type Evaluation } from "./model/evaluate-density.js";
import type { Fit } from "./model/fit.js";
import type { Evaluator } from "./model/interventions.js";
import { histogramDistribution } from "./model/score-distribution.js";
import { select } from "./model/selection.js";
import type { Options } from "./options.js";

/** The law of the simulated people's true scores, in both groups. */
export const trueScores = gaussian(0, 1);

/** How a panel observes group 2 where no institution has habits of its own. */
export function trueEvaluation({ alpha, tau }: Evaluator): Evaluation {
  return evaluateDensity(trueScores, "squared", alpha, tau);
}

/**
 * How far fits lie from the simulated truth: `alphaError.<panel>` relative, `tauError.<panel>` in nats, `shareError.<panel>` of
 * group 2's share of the seats, from panel 1 on, and the largest of each. NaN, and so left out, for panels outside the model.
 */
export function errorsOf(options: Options, model: ScoreModel, fits: readonly Fit[]): Metrics {
  const edges = edgesOf(model.grid);
  const setting = { ...options.selection, rule: { name: "none" } } as const;
  const reference = histogramDistribution(model.reference, edges);
  const errors = options.panels.map((panel, j) => {
    const fit = fits[j];
    if (fit?.status !== "OK") return { alphaError: NaN, tauError: NaN, shareError: NaN };
    const wanted = select(truthOf(trueScores), trueEvaluation(panel).distribution(), setting);
    const got = select(reference, histogramDistribution(fit.pmf, edges), setting);
    return {
      alphaError: Math.abs(fit.alpha / panel.alpha - 1),
      tauError: Math.abs(fit.tau - panel.tau),
      shareError: Math.abs(got.share2 - wanted.share2),
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
