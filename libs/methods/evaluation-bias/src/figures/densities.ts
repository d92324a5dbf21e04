import type { FigureInput, TaskFigure } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { listCentres, widthOf } from "../federation/grid.js";
import { trueEvaluation, trueScores } from "../truth.js";
import {
  densityPoints,
  grey,
  outlineInk,
  parseOptions,
  listPanels,
  plotWidth,
  seriesEncoding,
  type LegendEntry,
  type ArmFindings,
} from "./arm-findings.js";

/**
 * Draws the distribution of observed scores of each panel, as simulated and as every arm fitted it.
 */
export function densityFigure(input: FigureInput, armFindings: readonly ArmFindings[]): TaskFigure {
  const options = parseOptions(input);
  const { titles, simulated } = listPanels(options, armFindings);
  const centres = listCentres(options);
  const truth: LegendEntry = { name: "observed, as simulated", colour: outlineInk, dash: [4, 3] };
  const series = [
    ...(simulated.length > 0 ? [truth] : []),
    ...armFindings.map(({ label, colour }): LegendEntry => ({ name: label, colour, dash: [1, 0] })),
  ];
  const values = titles.flatMap((panel, j) => {
    const fitted = armFindings
      .toReversed()
      .flatMap(({ label, findings }) =>
        densityPoints(findings.panels[j], options).map((point) => ({ series: label, ...point })),
      );
    const evaluator = simulated[j];
    const law = evaluator && trueEvaluation(evaluator);
    const observed = law
      ? centres.map((score) => ({ series: truth.name, score, density: law.pdf(score) }))
      : [];
    return [...fitted, ...observed].map((value) => ({ ...value, panel }));
  });
  const [main] = armFindings;
  const backdrop = titles.flatMap((panel) =>
    centres.map((score, b) => ({
      panel,
      score,
      density:
        simulated.length > 0
          ? trueScores.pdf(score)
          : item(main?.findings.reference ?? [], b) / widthOf(options),
    })),
  );
  const columns = Math.min(2, titles.length);
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
    caption: `${simulated.length > 0 ? "Distribution of the scores that each panel gives group 2 (dashed), the estimate of each arm, and the true scores of both groups (grey)." : "Distribution of the scores that each panel gives group 2, as each arm fits it, and the scores of group 1 (grey)."} A panel with alpha above 1 shifts scores down; its tau sets their spread.${formatWarnings(armFindings)}`,
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

function formatWarnings(armFindings: readonly ArmFindings[]): string {
  return armFindings
    .filter(({ findings }) => findings.warning !== undefined)
    .map(
      ({ label, findings }) => ` The verdicts of ${label} may be wrong: ${findings.warning ?? ""}.`,
    )
    .join("");
}
