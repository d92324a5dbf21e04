import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  findMeasure,
  formatNumber,
  listStudies,
  nameStudy,
  readSummary,
  toCsv,
  writeWhole,
  type Grid,
  type SweepResults,
  type Table,
} from "@fedclair/runs";
import { heatTables } from "../data/heat-tables.js";
import { hasReport } from "../data/report-file.js";
import { writeFigures, type Drawing, type Figure } from "../figures/figures.js";
import { groupBy } from "../figures/group-by.js";
import { factList, html, table, type Html } from "./html.js";
import { lineFigure, rocFigure, tableLines } from "../figures/line-figure.js";
import { maxColours, maxDots, methodFigure } from "../figures/method-figure.js";
import { claimText, figureSection, htmlPage } from "./page.js";
import { drawCourses } from "./sweep-courses.js";
import { differenceSection, sweepAnswer, tableSections } from "./sweep-sections.js";

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
  const hasOwnReport = (folder: string) => hasReport(join(out, folder));
  const figures = await writeFigures(out, grid.name, await drawSweep(out, grid, results));
  const head = html`${sweepAnswer(results, createStudyLinks(hasOwnReport, grid))}
  ${factList(
    grid.dimensions.map(({ path, labels }): readonly [string, string] => [path, labels.join(", ")]),
  )}
  ${claimText(grid.claim)}`;
  const heat = heatTables(grid, tables, (own) => linkTo(grid, own, hasOwnReport));
  const main = html`${tableSections(results, heat)} ${differenceSection(results)}
  ${figureDetails(figures)} ${runSection(out, grid, results)}`;
  await write("report.html", htmlPage(grid.name, head, main));
}

/** Figures take this many bytes of a page at most; the others are linked. */
const maxFigureBytes = 150_000;

/** The folded figures, which show in other ways what the tables say. */
function figureDetails(figures: readonly Figure[]): Html | undefined {
  if (figures.length === 0) return undefined;
  let bytes = 0;
  const sections = figures.map((figure) => {
    const { name, title, svg, narrow = "" } = figure;
    bytes += svg.length + narrow.length;
    if (bytes <= maxFigureBytes) return figureSection(figure);
    return html`<p><a href="figures/${name}.svg">${title}</a> is a file of its own.</p>`;
  });
  return html`<details>
    <summary>Figures (${figures.length})</summary>
    ${sections}
  </details>`;
}

/** Lists the figures of a sweep in a folder: courses over rounds, and one for each measure. */
export async function drawSweep(
  out: string,
  grid: Grid,
  { tables }: SweepResults,
): Promise<readonly Drawing[]> {
  const measures = groupBy(tables, ({ measure }) => [measure]);
  return [
    ...(await drawCourses(out, grid)),
    ...measures.flatMap((own) => [...drawOverNumbers(grid, own), ...drawDots(own)]),
    ...drawRoc(grid, tables),
  ];
}

/**
 * Draws a measure as lines if the rows or columns are numbers.
 * @param tables those of the measure
 */
function drawOverNumbers(grid: Grid, tables: readonly [Table, ...Table[]]): Drawing[] {
  const [{ measure }] = tables;
  const [first, ...rest] = tables.map(tableLines).filter((lines) => lines !== undefined);
  if (!first || rest.length + 1 < tables.length || isEmpty(tables)) return [];
  return [
    {
      name: `${fileName(measure)}-lines`,
      title: `${measure} over ${numericPath(grid)}`,
      caption: "Lines: mean over seeds with a band of its 95 % interval.",
      draw: (width) => lineFigure([first, ...rest], measure, numericPath(grid), width),
    },
  ];
}

/** Draws a measure as dots with intervals, unless there are too many to tell apart. */
function drawDots(tables: readonly [Table, ...Table[]]): Drawing[] {
  const [{ measure, columns }] = tables;
  const cells = tables.flatMap((one) => one.cells.flat());
  if (isEmpty(tables) || cells.length > maxDots || columns.length > maxColours) return [];
  const caption = cells.some((cell) => cell?.counts)
    ? "Share of the clients of all seeds, last round, with its 95 % Wilson interval."
    : cells.some((cell) => cell?.interval)
      ? "Mean over seeds with its 95 % Student interval; each tick is a seed."
      : "One seed: there is no interval.";
  const draw = (width: number) => methodFigure(tables, width);
  return [{ name: fileName(measure), title: measure, caption, draw }];
}

function isEmpty(tables: readonly Table[]): boolean {
  return tables.every(({ cells }) => cells.flat().every((cell) => cell === undefined));
}

function fileName(measure: string): string {
  return measure.replace(/[^a-zA-Z0-9]+/g, "-");
}

/** The dimension over which lines are drawn: the columns if they are numbers, else the rows. */
function numericPath({ rows, columns }: Grid): string {
  const isNumeric = columns?.labels.every((label) => !Number.isNaN(Number(label))) ?? false;
  return (isNumeric ? columns : rows)?.path ?? "";
}

/** Options that decide how much evidence flags a client. */
const thresholdKey = /(threshold|falseAlarmRate|minGap)$/i;

/** Draws a ROC for each facet if the sweep varies such an option and counts flagged clients. */
function drawRoc(grid: Grid, tables: readonly Table[]): Drawing[] {
  const axis = numericPath(grid);
  if (!thresholdKey.test(axis)) return [];
  const find = (measure: string) => tables.filter((one) => one.measure === measure).map(tableLines);
  const alarms = find("detection.falseAlarms");
  return find("detection.recall").flatMap((recall, i) => {
    const others = alarms[i];
    if (!recall || !others) return [];
    const facet = recall.facet === "" ? "" : `, ${recall.facet}`;
    return [
      {
        name: i === 0 ? "roc" : `roc-${i + 1}`,
        title: `Receiver operating characteristic${facet}`,
        caption: `Each point is a value of ${axis}: clients flagged in the last round, over all seeds.`,
        draw: (width: number) => rocFigure(recall, others, axis, width),
      },
    ];
  });
}

/** Leads from a study, by the name of its findings, to its runs, as `linkTo` does. */
function createStudyLinks(
  hasOwnReport: (folder: string) => boolean,
  grid: Grid,
): (place: string) => string | undefined {
  const studies = new Map(listStudies(grid).map((study) => [nameStudy(study), study.trials]));
  return (place) => linkTo(grid, studies.get(place) ?? [], hasOwnReport);
}

/**
 * The address of a trial's report, or else of its row in the list of runs; of several trials, that
 * of the first. Undefined if there is none.
 * @param hasOwnReport whether the run in a folder of the sweep has one
 */
export function linkTo(
  { trials }: Grid,
  [first, ...others]: Grid["trials"],
  hasOwnReport: (folder: string) => boolean,
): string | undefined {
  if (!first) return undefined;
  const place = trials.findIndex(({ id }) => id === first.id);
  if (others.length > 0) return `#runs-${place}`;
  return hasOwnReport(first.folder) ? `${first.folder}/report.html` : `#run-${place}`;
}

/** More measures would not fit beside the names of runs. */
const maxRunMeasures = 6;

/**
 * The runs of a sweep with their numbers. A run with a report of its own has a link to it. Where
 * the live page serves this report, the script leads to its view of each other run.
 */
function runSection(out: string, grid: Grid, { tables }: SweepResults): Html {
  const { dimensions, trials } = grid;
  const measures = [...new Set(tables.map(({ measure }) => measure))].slice(0, maxRunMeasures);
  const isMissing = trials.some(({ folder }) => !hasReport(join(out, folder)));
  return html`<section id="runs">
    <h2>Runs</h2>
    ${
      isMissing
        ? html`<p class="note">
            <code>fedclair view</code> with the folder of this sweep opens any of its runs in a
            browser. <code>fedclair report</code> with the folder of a run writes the run's report;
            write this report again after it.
          </p>`
        : undefined
    }
    ${table(
      [...dimensions.map(({ path }) => path), ...measures, "run"],
      trials.map((trial, i) => {
        const { at, folder } = trial;
        const summary = readSummary(join(out, folder));
        return [
          ...dimensions.map(({ path }) => at.get(path) ?? ""),
          ...measures.map((measure) => {
            const value = findMeasure(summary, measure, trial)?.value;
            return value === undefined ? "–" : formatNumber(value);
          }),
          html`<span id="run-${i}"
            ><span id="runs-${i}"
              >${
                hasReport(join(out, folder))
                  ? html`<a href="${folder}/report.html">${folder}</a>`
                  : html`<code data-run="${folder}">${folder}</code>`
              }</span
            ></span
          >`,
        ];
      }),
    )}
  </section>`;
}
