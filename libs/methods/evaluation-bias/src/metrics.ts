import type { MetricInfo } from "@fedclair/core";
import { explanations } from "./model/explanations.js";
import { interventions } from "./model/interventions.js";
import { maxPanels } from "./options.js";

const errors: Readonly<Record<string, MetricInfo>> = {
  alphaError: { better: "lower", description: "relative error of the fitted alpha" },
  tauError: { better: "lower", unit: "nats", description: "error of the fitted tau" },
  shareError: { better: "lower", description: "error of group 2's share of the seats" },
  interventionError: {
    better: "lower",
    description: "largest error of group 2's share of the seats under an intervention",
  },
};

/** Metrics that need no truth. */
const common: Readonly<Record<string, MetricInfo>> = {
  totalVariation: {
    better: "lower",
    description: "total variation between the institution's own scores and the fitted evaluation",
  },
  ...Object.fromEntries(
    explanations.map((name): [string, MetricInfo] => [
      `totalVariation.${name}`,
      {
        better: "lower",
        description: `total variation that the explanation ${name} leaves, mean over panels`,
      },
    ]),
  ),
  ...forEachPanel(
    Object.fromEntries(
      interventions.flatMap((intervention): [string, MetricInfo][] => [
        [
          `share2.${intervention}`,
          { description: `group 2's share of the seats, intervention ${intervention}` },
        ],
        [
          `utility.${intervention}`,
          {
            better: "higher",
            description: `mean true score of the selected people, intervention ${intervention}`,
          },
        ],
      ]),
    ),
  ),
  warned: { description: "1 if the report warns that its verdicts may be wrong, else 0" },
};

/** Metrics of the task. Each error is reported for the worst panel and for every panel. */
export const metrics: Readonly<Record<string, MetricInfo>> = {
  ...errors,
  ...forEachPanel(errors),
  ...common,
};

/** Metrics of the user's own scores, which have no truth to compare with. */
export const ownMetrics: Readonly<Record<string, MetricInfo>> = {
  ...common,
  ...forEachPanel({
    alpha: { description: "fitted alpha" },
    tau: { unit: "nats", description: "fitted tau" },
  }),
};

function forEachPanel(infos: Readonly<Record<string, MetricInfo>>) {
  return Object.fromEntries(
    Object.entries(infos).flatMap(([name, info]) =>
      Array.from({ length: maxPanels }, (_, j): [string, MetricInfo] => [
        `${name}.${j + 1}`,
        { ...info, description: `${info.description}, panel ${j + 1}` },
      ]),
    ),
  );
}
