import { mean } from "@fedclair/linalg";
import { csvLine } from "../words/csv.js";
import { countsOf } from "../measures/detection.js";
import {
  formatEstimate,
  meanInterval,
  wilsonInterval,
  type Counts,
  type Interval,
} from "../measures/intervals.js";
import type { Measure } from "../measures/measure.js";
import { formatNumber, formatShare, maxOf, minOf } from "../words/numbers.js";
import type { Summary } from "../measures/summary.js";
import { describedOnly, findMeasure, listTableMeasures, measureOf } from "./measures.js";
import {
  methodPath,
  otherDimensions,
  type Grid,
  type MeasuredGrid,
  type MeasuredTrial,
  type SweepMeasure,
} from "./grid.js";

/** The head of the column with the worst mean of each row. */
const worstColumn = "worst";

/** One measure over the grid as rows × columns, for one combination of all other dimensions. */
export interface Table {
  readonly measure: string;
  /** The end of the scale that is worse; undefined if neither is. */
  readonly worse: "low" | "high" | undefined;
  /** The values of the other dimensions, such as `task.common = 0.9`; empty if there are none. */
  readonly facet: string;
  readonly rows: readonly string[];
  /** The last one is `worst` if the sweep asks for it and an end is worse. */
  readonly columns: readonly string[];
  /** Cells over seeds, by row, then by column. Undefined if no trial measured it. */
  readonly cells: readonly (readonly (Cell | undefined)[])[];
  /** The worst value of each column; empty if no end is worse, or if rows are methods. */
  readonly worst: readonly (number | undefined)[];
}

/** A measure over the seeds of a study. */
export interface Cell {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly seeds: number;
  /** One value per seed, in the order of trials. */
  readonly values: readonly number[];
  /** Student's interval of the mean over seeds; undefined for one seed. */
  readonly interval?: Interval;
  /** Present if the measure counts clients: their sum over seeds. */
  readonly counts?: Counts;
}

/**
 * Builds the tables of a sweep: one per measure and facet. By default the measures are the task's
 * primary metric and detection. A study without other dimensions has a table of all arms for every
 * metric by default.
 */
export function sweepTables(grid: MeasuredGrid): Table[] {
  const ofArms = grid.measures.length === 0 && otherDimensions(grid).length === 0;
  return ofArms
    ? listArmTables(grid)
    : listTableMeasures(grid).flatMap((measure) => createTables(grid, measure));
}

function createTables(grid: MeasuredGrid, { measure, worse: given }: SweepMeasure): Table[] {
  const { rows, columns, trials, hasWorstColumn } = grid;
  const facets = [...new Set(trials.map(({ at }) => formatFacet(grid, at)))];
  const [down, across] = [listLabels(rows), listLabels(columns)];
  const worse = given ?? findWorseEnd(measure, trials);
  return facets.map((facet): Table => {
    const cellAt = (row: string, column: string) =>
      aggregateCell(
        trials.flatMap((trial) => {
          const { at } = trial;
          const here =
            formatFacet(grid, at) === facet &&
            hasLabel(at, rows, row) &&
            hasLabel(at, columns, column);
          return here ? (measureOf(trial, measure) ?? []) : [];
        }),
      );
    const measured = down.map((row) => across.map((column) => cellAt(row, column)));
    const isExtended = worse && hasWorstColumn;
    const heads = isExtended ? [...across, worstColumn] : across;
    const cells = isExtended
      ? measured.map((row) => [...row, findWorstCell(row, worse)])
      : measured;
    const worst =
      worse && rows?.path !== methodPath
        ? heads.map((_, c) =>
            findWorst(
              cells.map((row) => row[c]),
              worse,
            ),
          )
        : [];
    return { measure, worse, facet, rows: down, columns: heads, cells, worst };
  });
}

/** Names the table of a trial: its values of the dimensions that are neither rows nor columns. */
export function formatFacet(grid: Grid, at: ReadonlyMap<string, string>): string {
  const { rows, columns } = grid;
  return otherDimensions(grid)
    .filter(({ path }) => path !== rows?.path && path !== columns?.path)
    .map(({ path }) => `${path} = ${at.get(path) ?? ""}`)
    .join(", ");
}

/**
 * Builds a table for every metric of a study that the task describes, with a row for each arm. If
 * it describes none, all metrics have one.
 */
function listArmTables({ trials }: MeasuredGrid): Table[] {
  const all = trials.map(({ summary }) => summary?.details ?? []);
  const isMean = ({ scope, comparison }: Measure) =>
    (scope === "clients" || scope === "global") && comparison === undefined;
  const means = describedOnly(all.flat().filter(isMean), trials[0]?.measures ?? {});
  const found = new Map(means.map((one) => [`${one.scope} ${one.metric}`, one]));
  const arms = trials[0]?.arms.map(({ label }) => label) ?? [];
  return [...found.values()].map(({ scope, metric, better }): Table => {
    const cells = arms.map((label) => [
      aggregateCell(
        all.flatMap((details) =>
          details.filter(
            (one) =>
              isMean(one) && one.scope === scope && one.metric === metric && one.arm === label,
          ),
        ),
      ),
    ]);
    const measure = scope === "global" ? `global.${metric}` : metric;
    const worse = better && (better === "lower" ? "high" : "low");
    return { measure, worse, facet: "", rows: arms, columns: [""], cells, worst: [] };
  });
}

/** Reads the worse end from the first trial that has the measure. */
export function findWorseEnd(
  measure: string,
  trials: readonly MeasuredTrial[],
): "low" | "high" | undefined {
  for (const trial of trials) {
    const better = measureOf(trial, measure)?.better;
    if (better) return better === "lower" ? "high" : "low";
  }
  return undefined;
}

/**
 * Finds measures that no trial has, such as misspelt ones. The list is empty if there are no
 * summaries.
 * @returns the missing measures, and all known ones
 */
export function missingMeasures(
  { measures, trials }: Grid,
  summaries: ReadonlyMap<string, Summary>,
): { missing: string[]; known: string[] } {
  const known = new Set(
    [...summaries.values()].flatMap((summary) => Object.keys(summary.measures)),
  );
  const missing = measures
    .map(({ measure }) => measure)
    .filter((name) =>
      trials.every((trial) => findMeasure(summaries.get(trial.id), name, trial) === undefined),
    );
  return { missing: known.size === 0 ? [] : missing, known: [...known].sort() };
}

function listLabels(dimension: Grid["rows"]): readonly string[] {
  return dimension?.labels ?? [""];
}

function hasLabel(
  at: ReadonlyMap<string, string>,
  dimension: Grid["rows"],
  label: string,
): boolean {
  return dimension === undefined || at.get(dimension.path) === label;
}

/** Aggregates a measure over seeds. @param measures one per seed */
export function aggregateCell(measures: readonly Measure[]): Cell | undefined {
  if (measures.length === 0) return undefined;
  const values = measures.map(({ value }) => value);
  const { interval } = meanInterval(values);
  const counts = sumCounts(measures);
  return {
    mean: mean(values),
    min: minOf(values),
    max: maxOf(values),
    seeds: values.length,
    values,
    ...(interval && { interval }),
    ...(counts && { counts }),
  };
}

/** The value that cells are compared by: a share if clients are counted, else the mean. */
export function valueOf({ mean: middle, counts }: Cell): number {
  return counts ? counts.hits / counts.of : middle;
}

/** Do cells have the same value, apart from rounding errors? */
export function isTie(a: Cell, b: Cell): boolean {
  return Math.abs(valueOf(a) - valueOf(b)) <= 1e-9 * Math.abs(valueOf(a));
}

/**
 * Formats the value of cells that have the same one: without an interval, unless they share that
 * as well.
 */
export function formatTie([first, ...others]: readonly [Cell, ...Cell[]]): string {
  const text = formatCell(first);
  return others.every((cell) => formatCell(cell) === text) ? text : formatNumber(valueOf(first));
}

/**
 * Finds the best cells of a row. None are marked where no end is better, all are equal, or a cell
 * averages over seeds, whose paired differences say more.
 */
export function findBestCells(
  cells: readonly (Cell | undefined)[],
  worse: Table["worse"],
): ReadonlySet<number> {
  const known = cells.filter((cell) => cell !== undefined);
  const values = known.map(valueOf);
  const [low, high] = [minOf(values), maxOf(values)];
  if (worse === undefined || low === high || known.some(({ seeds }) => seeds > 1)) return new Set();
  const best = worse === "low" ? high : low;
  return new Set(cells.flatMap((cell, i) => (cell && valueOf(cell) === best ? [i] : [])));
}

/** Sums counted clients over seeds; undefined unless every measure counts clients. */
export function sumCounts(measures: readonly Measure[]): Counts | undefined {
  const all = measures.map(countsOf);
  const known = all.filter((one) => one !== undefined);
  const hits = known.reduce((sum, one) => sum + one.hits, 0);
  const of = known.reduce((sum, one) => sum + one.of, 0);
  if (known.length < all.length || of === 0) return undefined;
  return { hits, of, ...wilsonInterval(hits, of) };
}

/**
 * Formats a cell: `0.851 ± 0.012 (10)` for a mean over 10 seeds, `17 of 20 (64–95 %)` for counted
 * clients, and the bare number for a single seed.
 */
export function formatCell(cell: Cell | undefined): string {
  if (cell === undefined) return "–";
  const { mean: middle, interval, seeds, counts } = cell;
  return counts ? formatCounts(counts) : formatEstimate({ mean: middle, interval, n: seeds });
}

/**
 * Formats counted clients: `17 of 20 (64–95 %)`.
 * @param noun stands before the bracket, like ` clients`
 */
export function formatCounts({ hits, of, low, high }: Counts, noun = ""): string {
  const [some, all] = [hits, of].map((count) => count.toLocaleString("en-US"));
  return `${some} of ${all}${noun} (${formatShare(low, high)})`;
}

/** The cell with the worst value. Undefined if one is missing, because that could be worse. */
function findWorstCell(
  row: readonly (Cell | undefined)[],
  worse: "low" | "high",
): Cell | undefined {
  if (row.includes(undefined)) return undefined;
  const worst = findWorst(row, worse);
  return row.find((cell) => cell && valueOf(cell) === worst);
}

function findWorst(
  cells: readonly (Cell | undefined)[],
  worse: "low" | "high",
): number | undefined {
  const values = cells.flatMap((cell) => (cell ? valueOf(cell) : []));
  if (values.length === 0) return undefined;
  return worse === "low" ? minOf(values) : maxOf(values);
}

/** Lists all cells that have a value, each as a row of a table. */
export function listCells(tables: readonly Table[]): (string | number | undefined)[][] {
  return tables.flatMap(({ measure, facet, rows, columns, cells }) =>
    rows.flatMap((row, r) =>
      columns.flatMap((column, c) => {
        const cell = cells[r]?.[c];
        if (cell === undefined) return [];
        const { mean: average, interval, min, max, seeds, counts } = cell;
        return [
          [
            ...[measure, facet, row, column],
            ...[average, interval?.low, interval?.high, min, max, seeds],
            ...[counts?.hits, counts?.of, counts?.low, counts?.high],
          ],
        ];
      }),
    ),
  );
}

/** Formats all cells as CSV: one line per measure, facet, row and column. */
export function toCsv(tables: readonly Table[]): string {
  const head = "measure,facet,row,column,mean,low,high,min,max,seeds,hits,of,shareLow,shareHigh";
  return [head, ...listCells(tables).map(csvLine), ""].join("\n");
}
