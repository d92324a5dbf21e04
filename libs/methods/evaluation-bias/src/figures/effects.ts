import type { FigureInput, TaskFigure } from "@fedclair/core";
import type { Estimate } from "../effects.js";
import { listPanels, parseOptions, plotWidth, type ArmFindings } from "./arm-findings.js";
import { formatPercent, interventionNames } from "./interventions.js";

/** Draws what each intervention does to a selection, with intervals, and says which ones help. */
export function effectsFigure(
  input: FigureInput,
  armFindings: readonly ArmFindings[],
): readonly TaskFigure[] {
  const [main] = armFindings;
  const found = main?.findings.effects ?? [];
  if (main === undefined || found.every((one) => one === null)) return [];
  const options = parseOptions(input);
  const names = interventionNames(options);
  const { titles } = listPanels(options, armFindings);
  const { c, frac2 } = options.selection;
  const values = found.flatMap((panel, j) =>
    (panel?.effects ?? []).map(({ intervention, share2, gain }) => ({
      panel: titles[j] ?? "",
      intervention: names[intervention],
      share: share2.value,
      shareLow: share2.low,
      shareHigh: share2.high,
      gain: gain.value,
      gainLow: gain.low,
      gainHigh: gain.high,
    })),
  );
  const answers = found.flatMap((panel, j) => {
    if (panel === null) return [];
    const helpful = panel.effects
      .filter(({ gain }) => (gain.low ?? 0) > 0)
      .sort((a, b) => b.gain.value - a.gain.value)
      .map(
        ({ intervention, share2, gain }) =>
          `${names[intervention]} (gain ${format(gain)}, share ${format(share2)})`,
      );
    const answer = helpful.length > 0 ? helpful.join("; ") : "none for certain";
    return `Panel ${titles[j] ?? ""}: alpha ${format(panel.alpha)}, tau ${format(panel.tau)} nats. Interventions that raise the true scores of the selected people, best first: ${answer}.`;
  });
  const columns = Math.min(4, titles.length);
  const rows = [
    { name: "share", title: "group 2's share of the seats" },
    { name: "gain", title: "gain in true score" },
  ];
  return [
    {
      name: "effects",
      title: "Which intervention",
      caption: `What interventions on each panel, as ${main.label} fits it, do to a selection: group 2's share of the seats, and what they add to the mean true score of the selected people, in standard deviations. Seats for ${formatPercent(c)} of the people, of whom ${formatPercent(frac2)} are group 2. Bars are 95 % intervals of the differences between institutions (a jackknife over at most 20 groups, at least five). They leave out the sampling error of group 1's scores, and assume that the model holds. ${answers.join(" ")}`,
      spec: {
        vconcat: rows.map(({ name, title }) => ({
          data: { values },
          facet: { field: "panel", type: "nominal", sort: null },
          columns,
          spec: {
            width: plotWidth(input, columns),
            height: 90,
            encoding: {
              y: { field: "intervention", type: "nominal", sort: null, title: null },
            },
            layer: [
              {
                mark: "rule",
                encoding: {
                  x: { field: `${name}Low`, type: "quantitative", title, axis: { tickCount: 4 } },
                  x2: { field: `${name}High` },
                },
              },
              {
                mark: { type: "point", filled: true },
                encoding: { x: { field: name, type: "quantitative", title } },
              },
            ],
          },
        })),
      },
    },
  ];
}

function format({ value, low, high }: Estimate): string {
  const digits = (x: number) => x.toFixed(3);
  if (low === null || high === null) return digits(value);
  return `${digits(value)} [${digits(low)}, ${digits(high)}]`;
}
