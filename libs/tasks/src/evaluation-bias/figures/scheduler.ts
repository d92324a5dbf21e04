import type { FigureInput, TaskFigure } from "@fedclair/core";
import type { SchedulingRow } from "../panel-report.js";
import { interventionNames } from "./interventions.js";
import { dotEncoding, optionsOf, panelTitle, type Shown } from "./shown.js";

/** Who would take part in a federation if its scheduler evaluated clients as the panels do people. */
export function schedulerFigure(
  input: FigureInput,
  [main]: readonly Shown[],
): readonly TaskFigure[] {
  const options = optionsOf(input);
  const panels = main?.findings.panels ?? [];
  if (main === undefined || panels.every(({ scheduling }) => scheduling.length === 0)) return [];
  const names = interventionNames(options);
  const { clients, seats, rounds } = options.scheduler;
  const dots = (title: string, value: (row: SchedulingRow) => number, axis: object) => {
    const encoding = dotEncoding(Object.values(names), title);
    return {
      width: Math.floor((input.width - 420) / 2),
      height: 130,
      data: {
        values: panels.flatMap(({ scheduling }, j) =>
          scheduling.map((row) => ({
            row: names[row.intervention],
            panel: panelTitle(options, j),
            value: value(row),
          })),
        ),
      },
      mark: { type: "point", filled: true, size: 60, opacity: 0.9 },
      encoding: { ...encoding, x: { ...encoding.x, ...axis } },
    };
  };
  const percents = { axis: { format: "%", tickCount: 5 } };
  return [
    {
      name: "scheduler",
      title: "The panels as schedulers of a federation",
      caption: `Simulated: in each of ${rounds} rounds the ${seats} of ${clients} clients take part whose contribution looks largest; those of group 2 (small or slow devices, say) are evaluated as ${main.label} estimates the panel to evaluate people. Left: group 2's share of the seats; right: what those who take part contribute, over the most that so many could. By intervention on the scheduler.`,
      spec: {
        hconcat: [
          dots("group 2's share of the seats", ({ share2 }) => share2, percents),
          dots("contribution over the best", ({ utility, opt }) => utility / opt, {
            ...percents,
            scale: { zero: false },
          }),
        ],
      },
    },
  ];
}
