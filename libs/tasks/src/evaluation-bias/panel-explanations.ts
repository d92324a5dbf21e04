import type { Metrics, Update } from "@fedclair/core";
import { median, sum, item } from "@fedclair/linalg";
import { explanations, type Explanation } from "./model/explanations.js";
import type { Fit } from "./model/fit.js";
import { moduleOf } from "./screening.js";

/** How well a panel's scores are explained, one way or another. */
export interface PanelExplanations {
  /**
   * Total variation that each explanation leaves, fitted by the institutions to their own scores: the median over those that
   * tell, so that also where nobody judges few fabricators do not decide. Empty if all withhold the panel.
   */
  readonly variations: Readonly<Partial<Record<Explanation, number>>>;
  /** What sampling alone would leave if the fit were the truth; null where nothing fits. */
  readonly sampling: number | null;
}

/** @param kept institutions that are pooled @param j panel, 0-based @param fit to their pooled moments */
export function panelExplanations(
  kept: readonly Update[],
  j: number,
  { status, pmf }: Fit,
): PanelExplanations {
  const counts = kept.map((update) => item(moduleOf(update, "counts").data, j));
  const telling = kept.filter((_, c) => counts[c] !== 0);
  if (telling.length === 0) return { variations: {}, sampling: null };
  const variations = explanations.map((name, e): [Explanation, number] => {
    const each = telling.map((update) => {
      const { shape, data } = moduleOf(update, "variations");
      return item(data, e * item(shape, 1) + j);
    });
    return [name, median(each)];
  });
  return {
    variations: Object.fromEntries(variations),
    sampling: status === "OK" ? samplingOf(pmf, median(counts.filter((n) => n > 0))) : null,
  };
}

/** The mean total variation of a law and a sample of it: the mean of |N(0, p(1 - p)/n)| in every bin, halved. */
function samplingOf(pmf: Float64Array, n: number): number {
  return sum(pmf.map((p) => Math.sqrt((2 * p * (1 - p)) / (Math.PI * n)))) / 2;
}

/** `totalVariation.<explanation>`, the mean over panels. */
export function variationMetrics(panels: readonly PanelExplanations[]): Metrics {
  return Object.fromEntries(
    explanations.flatMap((name) => {
      const each = panels.flatMap(({ variations }) => variations[name] ?? []);
      return each.length === 0 ? [] : [[`totalVariation.${name}`, sum(each) / each.length]];
    }),
  );
}
