import { readNumbers, type Metrics, type Update } from "@fedclair/core";
import { median, sum, item } from "@fedclair/linalg";
import { explanations, type Explanation } from "./model/explanations.js";
import type { Fit } from "./model/fit.js";
import { getDenseModule } from "./screening.js";

/** How well each explanation fits a panel's scores. */
export interface PanelExplanations {
  /**
   * Total variation that each explanation leaves, fitted by institutions to their own scores. The
   * value is the median over the institutions that sent the panel, so that a few fabricators do not
   * decide it even without verdicts. Empty if all institutions withhold the panel.
   */
  readonly variations: Readonly<Partial<Record<Explanation, number>>>;
  /** Total variation from sampling alone if the fit were the truth; null if nothing fits. */
  readonly sampling: number | null;
}

/**
 * Summarises the explanations of one panel.
 * @param admitted updates of the institutions that are pooled
 * @param j panel, from 0
 * @param fit to their pooled moments
 */
export function summariseExplanations(
  admitted: readonly Update[],
  j: number,
  { status, pmf }: Fit,
): PanelExplanations {
  const counts = admitted.map((update) => item(readNumbers(getDenseModule(update, "counts")), j));
  const sending = admitted.filter((_, c) => counts[c] !== 0);
  if (sending.length === 0) return { variations: {}, sampling: null };
  const variations = explanations.map((name, e): [Explanation, number] => {
    const each = sending.map((update) => {
      const tensor = getDenseModule(update, "variations");
      return item(readNumbers(tensor), e * item(tensor.shape, 1) + j);
    });
    return [name, median(each)];
  });
  return {
    variations: Object.fromEntries(variations),
    sampling: status === "OK" ? computeSampling(pmf, median(counts.filter((n) => n > 0))) : null,
  };
}

/**
 * Computes the mean total variation between a distribution and a sample of it: half the sum over
 * bins of the mean of |N(0, p(1 - p)/n)|.
 */
function computeSampling(pmf: Float64Array, n: number): number {
  return sum(pmf.map((p) => Math.sqrt((2 * p * (1 - p)) / (Math.PI * n)))) / 2;
}

/** Computes the metrics `totalVariation.<explanation>`, each a mean over panels. */
export function variationMetrics(panels: readonly PanelExplanations[]): Metrics {
  return Object.fromEntries(
    explanations.flatMap((name) => {
      const each = panels.flatMap(({ variations }) => variations[name] ?? []);
      return each.length === 0 ? [] : [[`totalVariation.${name}`, sum(each) / each.length]];
    }),
  );
}
