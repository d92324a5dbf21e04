import { join } from "node:path";
import type { TaskFigures } from "@fedclair/core";
import { measuringClients, sharesFirstRound, writeWhole, type Run } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { accuracyFigure } from "./accuracy-figure.js";
import { costFigure } from "./cost-figure.js";
import { armColours, figureConfig, figureWidth, ink } from "./figure-style.js";
import { writeFigures, type Drawing } from "./figures.js";
import { renderPage } from "./page.js";
import { formatDrawnRounds, formatSampledClients } from "./rounds.js";
import { scoreCaption, scoreFigure } from "./score-figure.js";

/**
 * Writes the report of a run into a folder: `report.html`, a self-contained page, and
 * `figures/<name>.{svg,png,vl.json}`. The report of an unfinished run covers the rounds so far.
 */
export async function writeRunReport(run: Run, folder: string): Promise<void> {
  const { figures } = run.description;
  const clientsText = measuringClients(run.summary);
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
      title: `${clientsText.charAt(0).toUpperCase()}${clientsText.slice(1)} over ${run.trial.devices ? "simulated time" : "rounds"}`,
      caption:
        `Mean of the ${clientsText} that measured in every arm, each on its own data, and their 10–90 % range.` +
        formatDrawnRounds(run) +
        formatSampledClients(run),
      spec: accuracyFigure(run),
    },
    {
      name: "cost",
      title: "Cost",
      caption:
        "Seconds that the coordinator spent in each stage of a round, and bytes of the tensors sent to (down) and received from (up) the clients for training." +
        (run.arms.length > 1 && sharesFirstRound(run.trial)
          ? " In round 1 the baselines reuse the updates of the main arm."
          : "") +
        formatDrawnRounds(run),
      spec: costFigure(run),
    },
  ];
  const drawn = await writeFigures(folder, `${run.trial.name}, seed ${run.trial.seed}`, drawings);
  await writeWhole(join(folder, "report.html"), renderPage(run, drawn));
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
