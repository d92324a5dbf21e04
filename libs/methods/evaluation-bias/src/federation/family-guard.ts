import { median, medianDeviation } from "@fedclair/linalg";
import type { ScoreModel } from "./basis.js";
import { fitColumn, type PanelMoments } from "./moments.js";

/** Institutions with a higher score are outliers among the evaluations. */
export const guardThreshold = 4;

/**
 * Scores institutions that stay inside the model but far from the others, which no subspace test
 * can detect.
 * @param institutions those that no other test has flagged
 * @returns for each institution the median over its panels of |ln alpha - median|/(1.4826·MAD +
 * 0.001); infinite if no evaluation fits
 */
export function guardScores(
  model: ScoreModel,
  institutions: readonly PanelMoments[],
): readonly number[] {
  const panels = institutions[0]?.counts.length ?? 0;
  const deviations = Array.from({ length: panels }, (_, j) =>
    computeDeviations(institutions.map((institution) => logAlpha(model, institution, j))),
  );
  return institutions.map((_, c) => median(deviations.flatMap((panel) => panel[c] ?? [])));
}

/** Returns ln alpha of panel j: undefined if the panel is withheld, NaN if no evaluation fits. */
function logAlpha(model: ScoreModel, { matrix, counts }: PanelMoments, j: number) {
  if (counts[j] === 0) return undefined;
  const { status, alpha } = fitColumn(model, matrix.column(j));
  return status === "OK" ? Math.log(alpha) : NaN;
}

function computeDeviations(values: readonly (number | undefined)[]): (number | undefined)[] {
  const fitted = values.filter((a) => a !== undefined && !Number.isNaN(a)) as number[];
  const middle = fitted.length === 0 ? NaN : median(fitted);
  const deviation = fitted.length === 0 ? NaN : medianDeviation(fitted, middle);
  return values.map((a) => {
    if (a === undefined) return undefined;
    return Number.isNaN(a) ? Infinity : Math.abs(a - middle) / (deviation + 0.001);
  });
}
