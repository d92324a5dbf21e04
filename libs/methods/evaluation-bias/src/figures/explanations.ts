import type { FigureInput, TaskFigure } from "@fedclair/core";
import { explanations, type Explanation } from "../model/explanations.js";
import { dotEncoding, grey, listPanels, parseOptions, type ArmFindings } from "./arm-findings.js";

const names: Readonly<Record<Explanation, string>> = {
  model: "model: alpha and tau",
  neutral: "model, alpha = 1",
  sameTau: "model, tau of the true scores",
  multiplicative: "multiplicative bias and shift",
  implicitVariance: "implicit variance and shift",
  unbiased: "no bias",
};

/**
 * Compares the model with its special cases and the older models, panel by panel, by total
 * variation as in the paper.
 */
export function explanationFigure(
  input: FigureInput,
  armFindings: readonly ArmFindings[],
): readonly TaskFigure[] {
  const [main] = armFindings;
  const panels = main?.findings.explanations ?? [];
  const { titles, simulated } = listPanels(parseOptions(input), armFindings);
  const values = panels.flatMap(({ variations }, j) =>
    explanations.flatMap((name) => {
      const value = variations[name];
      const panel = titles[j];
      return value === undefined ? [] : [{ row: names[name], panel, value }];
    }),
  );
  if (main === undefined || values.length === 0) return [];
  const sampling = panels.flatMap(({ sampling }, j) =>
    sampling === null ? [] : [{ panel: titles[j], value: sampling }],
  );
  const encoding = dotEncoding(
    explanations.map((name) => names[name]),
    "total variation from the observed scores",
  );
  return [
    {
      name: "explanations",
      title: "Explanations of group 2's scores",
      caption: `Total variation between a panel's scores and the best fit of each explanation. Each institution fits its own scores; the figure shows the median over the institutions that ${main.label} admits. Ticks: total variation from sampling alone if the model is right. Multiplicative bias (x = beta·v + shift) and implicit variance (x = v + shift + noise) have two parameters, like the model; its special cases have one.${simulated.length > 0 ? " The scores are simulated by the model, so the model explains them by construction. The figure shows how much worse the other explanations are." : ""}`,
      spec: {
        width: input.width - 300,
        height: 24 * explanations.length,
        layer: [
          {
            data: {
              values: explanations.flatMap((name) =>
                sampling.map((tick) => ({ ...tick, row: names[name] })),
              ),
            },
            mark: { type: "tick", thickness: 1, color: grey },
            encoding: { y: encoding.y, x: encoding.x },
          },
          {
            data: { values },
            mark: { type: "point", filled: true, size: 60, opacity: 0.9 },
            encoding,
          },
        ],
      },
    },
  ];
}
