import type { FigureInput, TaskFigure } from "@fedclair/core";
import { explanations, type Explanation } from "../model/explanations.js";
import { dotEncoding, grey, optionsOf, panelTitle, type Shown } from "./shown.js";

const names: Readonly<Record<Explanation, string>> = {
  model: "model: alpha and tau",
  neutral: "model, alpha = 1",
  sameTau: "model, tau of the true scores",
  multiplicative: "multiplicative bias and shift",
  implicitVariance: "implicit variance and shift",
  unbiased: "no bias",
};

/** The model against its special cases and older models, panel by panel, as the field does it: in total variation. */
export function explanationFigure(
  input: FigureInput,
  [main]: readonly Shown[],
): readonly TaskFigure[] {
  const panels = main?.findings.explanations ?? [];
  const options = optionsOf(input);
  const values = panels.flatMap(({ variations }, j) =>
    explanations.flatMap((name) => {
      const value = variations[name];
      const panel = panelTitle(options, j);
      return value === undefined ? [] : [{ row: names[name], panel, value }];
    }),
  );
  if (main === undefined || values.length === 0) return [];
  const sampling = panels.flatMap(({ sampling }, j) =>
    sampling === null ? [] : [{ panel: panelTitle(options, j), value: sampling }],
  );
  const encoding = dotEncoding(
    explanations.map((name) => names[name]),
    "total variation from the observed scores",
  );
  return [
    {
      name: "explanations",
      title: "What explains the scores of group 2",
      caption: `How far the best of every explanation lies from the scores of a panel: fitted by each institution to its own scores by the least total variation; the median over those that ${main.label} keeps. Ticks: what sampling alone leaves of a model that is right. Multiplicative bias (x = beta·v + shift) and implicit variance (x = v + shift + noise) have two parameters, as the model; its special cases have one. The scores are simulated by the model, which therefore explains them: what the figure shows is by how much the others do not.`,
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
