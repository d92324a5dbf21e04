import { join } from "node:path";
import type { TaskFigures } from "@fedclair/core";
import { measuringClients, writeWhole, type Run } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { accuracyFigure } from "./accuracy-figure.js";
import { costFigure } from "./cost-figure.js";
import { armColours, figureConfig, figureWidth, ink } from "./figure-style.js";
import { writeFigures, type Drawing } from "./figures.js";
import { page } from "./page.js";
import { drawnText } from "./rounds.js";
import { scoreCaption, scoreFigure } from "./score-figure.js";

/**
 * Writes the report of a run into a folder: `report.html`, one page that needs nothing beside itself, and
 * `figures/<name>.{svg,png,vl.json}`. Of a run that was stopped early it shows what is there.
 */
export async function writeRunReport(run: Run, folder: string): Promise<void> {
  const { figures } = run.description;
  const whose = measuringClients(run.summary);
  const drawings: readonly Drawing[] = [
    {
      name: "scores",
      title: "Scores against the threshold",
      caption: scoreCaption(run),
      spec: scoreFigure(run),
    },
    ...(figures ? taskDrawings(run, figures) : []),
    {
      name: "accuracy",
      title: `${whose.charAt(0).toUpperCase()}${whose.slice(1)} over ${run.trial.devices ? "simulated time" : "rounds"}`,
      caption:
        `Mean of the ${whose} that measured under every method, each on its own data, and their 10–90 % range.` +
        drawnText(run),
      spec: accuracyFigure(run),
    },
    {
      name: "cost",
      title: "Cost",
      caption:
        "Seconds that the coordinator spent in each stage of a round, and bytes of the tensors sent to (down) and got from (up) the clients for training." +
        (run.arms.length > 1
          ? " In round 1 the baselines reuse the updates of the method under study."
          : "") +
        drawnText(run),
      spec: costFigure(run),
    },
  ];
  const drawn = await writeFigures(folder, `${run.trial.name}, seed ${run.trial.seed}`, drawings);
  await writeWhole(join(folder, "report.html"), page(run, drawn));
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
