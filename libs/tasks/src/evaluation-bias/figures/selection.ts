import type { Exhibition, TaskFigure } from "@fedclair/core";
import { truthOf } from "../model/evaluate-density.js";
import { select } from "../model/selection.js";
import type { Options } from "../options.js";
import type { Intervention, PanelReport } from "../panel-report.js";
import { trueEvaluation, trueScores } from "../truth.js";
import {
  ink,
  optionsOf,
  panelTitle,
  plotWidth,
  seriesEncoding,
  type Series,
  type Shown,
} from "./shown.js";

/** What share of group 2 is selected, by seats: as every arm sees it, and under interventions. */
export function selectionFigure(
  exhibition: Exhibition,
  shown: readonly Shown[],
): readonly TaskFigure[] {
  const [main] = shown;
  const rows = main?.findings.panels.flatMap(({ selection }) => selection) ?? [];
  if (main === undefined || rows.length === 0) return [];
  const options = optionsOf(exhibition);
  const { frac2, rho } = options.selection;
  return [
    {
      name: "selection",
      title: "Selection rates of group 2",
      caption: `Share of group 2 that is selected, by seats over population; group 2 is ${percent(frac2)} of the population. Above: with no intervention, as each method estimates it, and as simulated (dashed). Below: interventions on the panels as ${main.label} estimates them. The diagonal is parity: seats by the groups' sizes, which here also selects the best. Lowering tau alone makes group 2 worse off where alpha is above 1 and tau above the entropy of true scores, since the extra spread was hiding the downward shift. Tau shifted by ${percent(rho)} of the way to that entropy: ${shifts(main.findings.panels)}.`,
      spec: {
        vconcat: [armRow(exhibition, options, shown), interventionRow(exhibition, options, main)],
        resolve: { scale: { color: "independent", strokeDash: "independent" } },
      },
    },
  ];
}

interface Point {
  readonly panel: string;
  readonly series: string;
  readonly c: number;
  readonly rate: number;
}

function armRow(exhibition: Exhibition, options: Options, shown: readonly Shown[]): object {
  const simulated: Series = { name: "as simulated", colour: ink, dash: [4, 3] };
  const series = [
    simulated,
    ...shown.map(({ label, colour }): Series => ({ name: label, colour, dash: [1, 0] })),
  ];
  const seats = seatsOf(shown);
  const truth = truthOf(trueScores);
  const values = options.panels.flatMap((panel, j): Point[] => {
    const observed = trueEvaluation(panel).distribution();
    const setting = { frac2: options.selection.frac2, rule: { name: "none" } } as const;
    const title = panelTitle(options, j);
    return [
      ...shown
        .toReversed()
        .flatMap(({ label, findings }) => pointsOf(findings.panels[j], "none", title, label)),
      ...seats.map((c) => ({
        ...{ panel: title, series: simulated.name, c },
        rate: select(truth, observed, { ...setting, c }).s2,
      })),
    ];
  });
  return curves(exhibition, values, series);
}

function interventionRow(exhibition: Exhibition, options: Options, main: Shown): object {
  const { atleast, rho } = options.selection;
  const series: Readonly<Record<Intervention, Series>> = {
    none: { name: "no intervention", colour: ink, dash: [1, 0] },
    reduceSkew: { name: `skew reduced by ${percent(rho)}`, colour: "#0072b2", dash: [1, 0] },
    shiftTau: { name: `tau shifted by ${percent(rho)}`, colour: "#cc79a7", dash: [1, 0] },
    atleast: { name: `at least ${percent(atleast)} of the seats`, colour: "#009e73", dash: [1, 0] },
    proportional: { name: "parity", colour: "#9a9a9a", dash: [4, 3] },
  };
  const values = main.findings.panels.flatMap((panel, j) =>
    Object.entries(series).flatMap(([intervention, { name }]) =>
      pointsOf(panel, intervention, panelTitle(options, j), name),
    ),
  );
  return curves(exhibition, values, Object.values(series));
}

function pointsOf(
  panel: PanelReport | undefined,
  wanted: string,
  title: string,
  series: string,
): Point[] {
  return (panel?.selection ?? [])
    .filter(({ intervention }) => intervention === wanted)
    .map(({ c, s2 }) => ({ panel: title, series, c, rate: s2 }));
}

function curves(
  exhibition: Exhibition,
  values: readonly Point[],
  series: readonly Series[],
): object {
  const columns = Math.min(4, new Set(values.map(({ panel }) => panel)).size);
  const share = { type: "quantitative", axis: { format: "%", tickCount: 4 } };
  return {
    data: { values },
    facet: { field: "panel", type: "nominal", sort: null },
    columns,
    spacing: 14,
    spec: {
      width: plotWidth(exhibition, columns),
      height: 130,
      mark: { type: "line", strokeWidth: 1.4 },
      encoding: {
        x: { ...share, field: "c", title: "seats over population" },
        y: { ...share, field: "rate", title: "group 2 selected" },
        ...seriesEncoding(series),
      },
    },
  };
}

function seatsOf(shown: readonly Shown[]): readonly number[] {
  const rows = shown.flatMap(({ findings }) =>
    findings.panels.flatMap(({ selection }) => selection),
  );
  return [...new Set(rows.map(({ c }) => c))];
}

/** Sign and value of every change: entropy down, where others may say divergence up. */
function shifts(panels: readonly PanelReport[]): string {
  return panels
    .map(({ tau, shiftedTau }, j) => {
      if (tau === null || shiftedTau === null) return `panel ${j + 1} outside the model`;
      const change = shiftedTau - tau;
      return `panel ${j + 1} ${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(3)} nats`;
    })
    .join(", ");
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
