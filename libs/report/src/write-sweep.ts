import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { toCsv, writeWhole, type Grid, type SweepResults, type Table } from "@fedclair/runs";
import { writeFigures, type Drawing } from "./figures.js";
import { heatMap } from "./heat-map.js";
import { factList, html } from "./html.js";
import { maxColours, maxDots, methodFigure } from "./method-figure.js";
import { figureSection, htmlPage } from "./page.js";
import { drawCourses } from "./sweep-courses.js";
import { differenceSection, findingList, tableSections } from "./sweep-sections.js";

/**
 * Writes the results of a sweep or study: `summary.json`, `table.csv`, and unless `report` is
 * false `report.html` with a figure per measure under `figures`.
 */
export async function writeSweep(
  out: string,
  grid: Grid,
  results: SweepResults,
  report = true,
): Promise<void> {
  await mkdir(out, { recursive: true });
  const { tables } = results;
  // Sweeps that share a folder write the same files at once.
  const write = (name: string, text: string) =>
    writeWhole(join(out, name), text, join(out, `${name}.${randomUUID()}.part`));
  await write("summary.json", JSON.stringify(results, null, 1) + "\n");
  await write("table.csv", toCsv(tables));
  if (!report) return;
  const measures = [...new Set(tables.map(({ measure }) => measure))];
  const drawings = [
    ...(await drawCourses(out, grid)),
    ...measures.map((measure) => drawMeasure(grid, tables, measure)),
  ];
  const figures = await writeFigures(out, grid.name, drawings);
  const head = html`${findingList(results)}
  ${factList(
    grid.dimensions.map(({ path, labels }): readonly [string, string] => [path, labels.join(", ")]),
  )}`;
  const main = html`${tableSections(results)} ${differenceSection(results)}
  ${figures.map(figureSection)}`;
  await write("report.html", htmlPage({ title: grid.name, claim: grid.claim }, head, main));
}

/** Draws dots with intervals, or a heat map if there are too many to tell apart. */
function drawMeasure(grid: Grid, tables: readonly Table[], measure: string): Drawing {
  const own = tables.filter((one) => one.measure === measure);
  const [first, ...rest] = own;
  const cells = own.flatMap((one) => one.cells.flat());
  const drawing = { name: measure.replace(/[^a-zA-Z0-9]+/g, "-"), title: measure };
  if (!first || cells.every((cell) => cell === undefined))
    return { ...drawing, caption: "", spec: undefined };
  if (cells.length <= maxDots && first.columns.length <= maxColours) {
    const isShare = cells.some((cell) => cell?.counts);
    const caption = isShare
      ? "Share of the clients of all seeds, last round, with its 95 % Wilson interval."
      : cells.some((cell) => cell?.interval)
        ? "Mean over seeds with its 95 % Student interval; each tick is a seed."
        : "One seed: there is no interval.";
    return { ...drawing, caption, spec: methodFigure([first, ...rest]) };
  }
  const caption = `Mean over seeds: ${grid.rows?.path ?? ""} down, ${grid.columns?.path ?? ""} across, ${formatReading(first)}`;
  return { ...drawing, caption, spec: heatMap([first, ...rest]) };
}

function formatReading({ worse, worst }: Table): string {
  if (worse === undefined) return "Light is high; the sweep does not specify which end is better.";
  const last = worst.length === 0 ? "" : "with the worst of each column in the last row. ";
  return `${last}Dark is worse: ${worse} values.`;
}
