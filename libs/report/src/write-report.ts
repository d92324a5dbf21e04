import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TaskFigures } from "@fedclair/core";
import type { ClientLabel } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { accuracyFigure } from "./accuracy-figure.js";
import { costFigure } from "./cost-figure.js";
import { armColours, figureConfig, figureWidth, ink } from "./figure-style.js";
import { writeFigures, type Drawing } from "./figures.js";
import { page } from "./page.js";
import { readRun, studied, type Run } from "./run.js";
import { scoreCaption, scoreFigure } from "./score-figure.js";

/** What the run's task adds to a report. */
export interface ReportOptions {
  /** A name that people know a client by, beside its id. */
  readonly label?: ClientLabel | undefined;
  readonly figures?: TaskFigures | undefined;
}

/**
 * Reads a run folder and writes the report into it: `report.html`, one page that needs nothing beside itself, and
 * `figures/<name>.{svg,png,vl.json}`. Of a run that was stopped early it shows what is on disk.
 */
export async function writeReport(
  folder: string,
  { label, figures }: ReportOptions = {},
): Promise<void> {
  const run = await readRun(folder);
  const own = studied(run);
  const drawings: readonly Drawing[] = [
    {
      name: "scores",
      title: "Scores against the threshold",
      caption: scoreCaption(own),
      spec: scoreFigure(own, label),
    },
    ...(figures ? taskDrawings(run, figures) : []),
    {
      name: "accuracy",
      title: "Benign clients over rounds",
      caption:
        "Mean of the benign clients, each measured on its own data, and their 10–90 % range.",
      spec: accuracyFigure(run),
    },
    {
      name: "cost",
      title: "Cost",
      caption:
        "Seconds that the coordinator spent in each stage of a round, and bytes of the tensors sent to (down) and got from (up) the clients for training." +
        (run.arms.length > 1
          ? " In round 1 the baselines reuse the updates of the method under study."
          : ""),
      spec: costFigure(run),
    },
  ];
  const drawn = await writeFigures(folder, `${run.trial.name}, seed ${run.trial.seed}`, drawings);
  await writeFile(join(folder, "report.html"), page(run, drawn, label));
}

function taskDrawings({ trial, arms, artifacts }: Run, figures: TaskFigures): Drawing[] {
  if (artifacts.length === 0) return [];
  const labels = arms.map(({ label }) => label);
  const { range } = armColours(labels);
  return figures({
    task: trial.task,
    artifacts,
    arms: labels.map((label, i) => ({ label, colour: range[i] ?? ink })),
    width: figureWidth,
  }).map(({ spec, ...drawing }) => ({
    ...drawing,
    spec: {
      $schema: "https://vega.github.io/schema/vega-lite/v6.json",
      config: figureConfig,
      ...spec,
    } as TopLevelSpec,
  }));
}
