import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TopLevelSpec } from "vega-lite";
import { accuracyFigure } from "./accuracy-figure.js";
import { costFigure } from "./cost-figure.js";
import { page, type Figure } from "./page.js";
import { readRun, studied, type ClientLabel } from "./run.js";
import { scoreFigure } from "./score-figure.js";

export { clientRows, type ClientRow, type Mistake } from "./clients.js";
export { measureRows, type MeasureRow } from "./measures.js";
export type { ClientLabel } from "./run.js";
export { verdictSentence } from "./verdict.js";

/**
 * Reads a run folder and writes the report into it: `report.html`, one page that needs nothing beside itself, and
 * `figures/<name>.{svg,png,vl.json}`. Of a run that was stopped early it shows what is on disk.
 * @param label a name that people know a client by, beside its id
 */
export async function writeReport(folder: string, label?: ClientLabel): Promise<void> {
  const run = await readRun(folder);
  const own = studied(run);
  const drawings: readonly (Omit<Figure, "svg"> & { readonly spec: TopLevelSpec | undefined })[] = [
    {
      name: "scores",
      title: "Scores against the threshold",
      caption: "A score above the threshold (dashed) is flagged as contaminated.",
      spec: scoreFigure(own, label),
    },
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
  // Loaded when it is needed: a third of a second that other uses of this library are spared.
  const { drawPng, drawSvg, hasFont } = await import("./draw.js");
  await mkdir(join(folder, "figures"), { recursive: true });
  const figures: Figure[] = [];
  for (const { spec, ...drawing } of drawings) {
    if (!spec) continue;
    const svg = await drawSvg(spec);
    const file = join(folder, "figures", drawing.name);
    await writeFile(`${file}.vl.json`, JSON.stringify(spec, null, 1) + "\n");
    await writeFile(`${file}.svg`, svg);
    await writeFile(`${file}.png`, drawPng(svg));
    figures.push({ ...drawing, svg });
  }
  await writeFile(join(folder, "report.html"), page(run, figures, label));
  if (!hasFont()) process.emitWarning("no font was found: the PNG figures have no text");
}
