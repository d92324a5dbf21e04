import type { FigureInput, TaskFigure } from "@fedclair/core";
import { centresOf } from "../federation/grid.js";
import { trueEvaluation, trueScores } from "../truth.js";
import {
  densityPoints,
  grey,
  ink,
  optionsOf,
  panelTitle,
  plotWidth,
  seriesEncoding,
  type Series,
  type Shown,
} from "./shown.js";

/** Panel by panel, the law of observed scores as simulated, and as every arm fitted it. */
export function densityFigure(input: FigureInput, shown: readonly Shown[]): TaskFigure {
  const options = optionsOf(input);
  const truth: Series = { name: "observed, as simulated", colour: ink, dash: [4, 3] };
  const series = [
    truth,
    ...shown.map(({ label, colour }): Series => ({ name: label, colour, dash: [1, 0] })),
  ];
  const values = options.panels.flatMap((panel, j) => {
    const simulation = trueEvaluation(panel);
    const simulated = centresOf(options).map((score) => ({
      ...{ series: truth.name, score, density: simulation.pdf(score) },
    }));
    const fitted = shown.toReversed().flatMap(({ label, findings }) =>
      densityPoints(findings.panels[j], options).map((point) => ({
        series: label,
        ...point,
      })),
    );
    return [...fitted, ...simulated].map((value) => ({ ...value, panel: panelTitle(options, j) }));
  });
  const backdrop = options.panels.flatMap((_, j) =>
    centresOf(options).map((score) => ({
      ...{ panel: panelTitle(options, j), score, density: trueScores.pdf(score) },
    })),
  );
  const columns = Math.min(2, options.panels.length);
  const axes = {
    x: {
      field: "score",
      type: "quantitative",
      title: "score, standardised",
      scale: { domain: [-4, 4] },
      axis: { grid: false },
    },
    y: { field: "density", type: "quantitative", axis: { tickCount: 4 } },
  };
  return {
    name: "densities",
    title: "Observed scores of group 2",
    caption: `The law of scores that each panel gives group 2 (dashed), what each method estimates it to be, and in grey the true scores of both groups. A panel with alpha above 1 shifts scores down; its tau sets their spread.${warningText(shown)}`,
    spec: {
      data: { values: [...backdrop.map((value) => ({ ...value, kind: "true" })), ...values] },
      facet: { field: "panel", type: "nominal", sort: null },
      columns,
      spec: {
        width: plotWidth(input, columns),
        height: 150,
        layer: [
          {
            transform: [{ filter: "datum.kind === 'true'" }],
            mark: { type: "area", color: grey, opacity: 0.25, clip: true },
            encoding: axes,
          },
          {
            transform: [{ filter: "datum.kind !== 'true'" }],
            mark: { type: "line", strokeWidth: 1.5, clip: true },
            encoding: { ...axes, ...seriesEncoding(series) },
          },
        ],
      },
    },
  };
}

function warningText(shown: readonly Shown[]): string {
  return shown
    .filter(({ findings }) => findings.warning !== undefined)
    .map(
      ({ label, findings }) =>
        ` Take the verdicts of ${label} with care: ${findings.warning ?? ""}.`,
    )
    .join("");
}
