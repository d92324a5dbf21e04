import type { FigureInput, TaskFigure } from "@fedclair/core";
import { createTruth } from "../model/evaluate-density.js";
import type { Intervention } from "../model/interventions.js";
import { select } from "../model/selection.js";
import type { Options } from "../options.js";
import type { PanelReport, SelectionRow } from "../panel-report.js";
import { trueEvaluation, trueScores } from "../truth.js";
import { interventionNames, formatPercent } from "./interventions.js";
import {
  outlineInk,
  parseOptions,
  listPanels,
  type DrawnPanels,
  plotWidth,
  seriesEncoding,
  type LegendEntry,
  type ArmFindings,
} from "./arm-findings.js";

/** Draws the selected share of group 2 by seats, for every arm and under interventions. */
export function selectionFigure(
  input: FigureInput,
  armFindings: readonly ArmFindings[],
): readonly TaskFigure[] {
  const [main] = armFindings;
  const rows = main?.findings.panels.flatMap(({ selection }) => selection) ?? [];
  if (main === undefined || rows.length === 0) return [];
  const options = parseOptions(input);
  const panels = listPanels(options, armFindings);
  const { frac2, rho } = options.selection;
  return [
    {
      name: "selection",
      title: "Selection rates of group 2",
      caption: `Share of group 2 that is selected, by seats over population; group 2 is ${formatPercent(frac2)} of the population. Above: without intervention, as each arm estimates it${panels.simulated.length > 0 ? " and as simulated (dashed)" : ""}. Below: interventions on the panels as ${main.label} estimates them, and the mean true score of the selected people relative to no intervention. Parity gives seats by the groups' sizes, which here also selects the best. Lowering only tau makes group 2 worse off if alpha is above 1 and tau above the entropy of the true scores, because the extra spread was hiding the downward shift. Tau shifted by ${formatPercent(rho)} of the way to that entropy: ${formatShifts(main.findings.panels)}.`,
      spec: {
        vconcat: [
          armRow(input, options, panels, armFindings),
          ...interventionRows(input, options, panels, main),
        ],
        resolve: { scale: { color: "independent", strokeDash: "independent" } },
      },
    },
  ];
}

interface Point {
  readonly panel: string;
  readonly series: string;
  readonly c: number;
  readonly value: number;
}

function armRow(
  input: FigureInput,
  options: Options,
  { titles, simulated }: DrawnPanels,
  armFindings: readonly ArmFindings[],
): object {
  const asSimulated: LegendEntry = { name: "as simulated", colour: outlineInk, dash: [4, 3] };
  const series = [
    ...(simulated.length > 0 ? [asSimulated] : []),
    ...armFindings.map(({ label, colour }): LegendEntry => ({ name: label, colour, dash: [1, 0] })),
  ];
  const truth = createTruth(trueScores);
  const { frac2 } = options.selection;
  const values = titles.flatMap((panel, j): Point[] => {
    const fitted = armFindings
      .toReversed()
      .flatMap(({ label, findings }) => plainPoints(findings.panels[j], panel, label));
    const evaluator = simulated[j];
    if (!evaluator) return fitted;
    const observed = trueEvaluation(evaluator).distribution();
    const points = seatsOf(armFindings).map((c) => {
      const { s2 } = select(truth, observed, { frac2, c, rule: { name: "none" } });
      return { panel, series: asSimulated.name, c, value: s2 };
    });
    return [...fitted, ...points];
  });
  return curves(input, values, series, rateAxis);
}

/** Draws the rates, and below them the utility of the selected people. */
function interventionRows(
  input: FigureInput,
  options: Options,
  { titles }: DrawnPanels,
  main: ArmFindings,
): object[] {
  const names = interventionNames(options);
  const series: Readonly<Record<Intervention, LegendEntry>> = {
    none: { name: names.none, colour: outlineInk, dash: [1, 0] },
    reduceSkew: { name: names.reduceSkew, colour: "#0072b2", dash: [1, 0] },
    shiftTau: { name: names.shiftTau, colour: "#cc79a7", dash: [1, 0] },
    atleast: { name: names.atleast, colour: "#009e73", dash: [1, 0] },
    proportional: { name: names.proportional, colour: "#9a9a9a", dash: [4, 3] },
  };
  const points = (value: (row: SelectionRow, plain: SelectionRow | undefined) => number) =>
    main.findings.panels.flatMap(({ selection }, j) =>
      selection.map((row): Point => {
        const plain = selection.find(
          ({ intervention, c }) => intervention === "none" && c === row.c,
        );
        const { name } = series[row.intervention];
        return {
          panel: titles[j] ?? "",
          series: name,
          c: row.c,
          value: value(row, plain),
        };
      }),
    );
  const legend = Object.values(series);
  return [
    curves(
      input,
      points((row) => row.s2),
      legend,
      rateAxis,
    ),
    curves(
      input,
      points((row, plain) => row.utility / (plain?.utility ?? NaN)),
      legend,
      {
        title: "utility over none",
        scale: { zero: false },
      },
    ),
  ];
}

function plainPoints(panel: PanelReport | undefined, title: string, series: string): Point[] {
  return (panel?.selection ?? [])
    .filter(({ intervention }) => intervention === "none")
    .map(({ c, s2 }) => ({ panel: title, series, c, value: s2 }));
}

const rateAxis = { title: "group 2 selected", axis: { format: "%", tickCount: 4 } };

function curves(
  input: FigureInput,
  values: readonly Point[],
  series: readonly LegendEntry[],
  y: object,
): object {
  const columns = Math.min(4, new Set(values.map(({ panel }) => panel)).size);
  return {
    data: { values },
    facet: { field: "panel", type: "nominal", sort: null },
    columns,
    spacing: 14,
    spec: {
      width: plotWidth(input, columns),
      height: 130,
      mark: { type: "line", strokeWidth: 1.4 },
      encoding: {
        x: {
          field: "c",
          type: "quantitative",
          title: "seats over population",
          axis: { format: "%", tickCount: 4 },
        },
        y: { field: "value", type: "quantitative", ...y },
        ...seriesEncoding(series),
      },
    },
  };
}

function seatsOf(armFindings: readonly ArmFindings[]): readonly number[] {
  const rows = armFindings.flatMap(({ findings }) =>
    findings.panels.flatMap(({ selection }) => selection),
  );
  return [...new Set(rows.map(({ c }) => c))];
}

/**
 * Formats the sign and value of every change of entropy. Other authors describe a lower entropy as
 * a higher divergence.
 */
function formatShifts(panels: readonly PanelReport[]): string {
  return panels
    .map(({ tau, shiftedTau }, j) => {
      if (tau === null || shiftedTau === null) return `panel ${j + 1} outside the model`;
      const change = shiftedTau - tau;
      return `panel ${j + 1} ${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(3)} nats`;
    })
    .join(", ");
}
