import type { FigureInput, TaskFigure } from "@fedclair/core";
import type { SchedulingRow } from "../panel-report.js";
import { interventionNames } from "./interventions.js";
import { dotEncoding, listPanels, parseOptions, type ArmFindings } from "./arm-findings.js";

/**
 * Draws participation in a federation whose scheduler evaluates clients as the panels evaluate
 * people.
 */
export function schedulerFigure(
  input: FigureInput,
  armFindings: readonly ArmFindings[],
): readonly TaskFigure[] {
  const [main] = armFindings;
  const options = parseOptions(input);
  const { titles } = listPanels(options, armFindings);
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
            panel: titles[j],
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
      caption: `Simulation of ${rounds} rounds. In each round the ${seats} of ${clients} clients with the largest observed contributions take part. Clients of group 2 (for example small or slow devices) are evaluated as ${main.label} estimates the panel to evaluate people. Left: group 2's share of the seats. Right: contribution of the clients that take part, relative to the best possible. Rows: interventions on the scheduler.`,
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
