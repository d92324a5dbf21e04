import type { MetricInfo } from "@fedclair/core";
import { explanations } from "./model/explanations.js";
import { mostPanels } from "./options.js";

const errors: Readonly<Record<string, MetricInfo>> = {
  alphaError: { better: "lower", description: "relative error of the fitted alpha" },
  tauError: { better: "lower", unit: "nats", description: "error of the fitted tau" },
  shareError: { better: "lower", description: "error of group 2's share of the seats" },
};

/** Of the errors the worst panel's, and each panel's. */
export const metrics: Readonly<Record<string, MetricInfo>> = {
  ...errors,
  ...Object.fromEntries(
    Object.entries(errors).flatMap(([name, info]) =>
      Array.from({ length: mostPanels }, (_, j): [string, MetricInfo] => [
        `${name}.${j + 1}`,
        { ...info, description: `${info.description}, panel ${j + 1}` },
      ]),
    ),
  ),
  totalVariation: {
    better: "lower",
    description: "of the institution's own scores from the fitted evaluation",
  },
  ...Object.fromEntries(
    explanations.map((name): [string, MetricInfo] => [
      `totalVariation.${name}`,
      { better: "lower", description: `that the explanation ${name} leaves, mean over panels` },
    ]),
  ),
  warned: { description: "1 if the report warns of its own verdicts, else 0" },
};
