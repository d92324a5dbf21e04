import { csvLine } from "../csv.js";
import { ownProperty } from "../measure.js";
import { maxOf, minOf, mean } from "../numbers.js";
import type { Summary } from "../summary.js";
import { seedPath, type Sweep } from "./sweep-file.js";

/** One measure over the grid as rows × columns, for one combination of all other dimensions. */
export interface Table {
  readonly measure: string;
  /** The end of the scale that is worse; undefined if neither is. */
  readonly worse: "low" | "high" | undefined;
  /** The values of the other dimensions, such as `task.common = 0.9`; empty if there are none. */
  readonly facet: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** Cells over seeds, by row, then by column. Undefined if no trial measured it. */
  readonly cells: readonly (readonly (Cell | undefined)[])[];
  /** The worst mean of each column; empty if no end is worse. */
  readonly worst: readonly (number | undefined)[];
}

export interface Cell {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly seeds: number;
}

/** Builds the tables of a sweep. @param summaries of finished trials, by id */
export function sweepTables(sweep: Sweep, summaries: ReadonlyMap<string, Summary>): Table[] {
  const { rows, columns, dimensions, measures, trials } = sweep;
  const others = dimensions.filter(({ path }) => {
    return path !== rows?.path && path !== columns?.path && path !== seedPath;
  });
  const formatFacet = (at: ReadonlyMap<string, string>) =>
    others.map(({ path }) => `${path} = ${at.get(path) ?? ""}`).join(", ");
  const facets = [...new Set(trials.map(({ at }) => formatFacet(at)))];
  const [down, across] = [listLabels(rows), listLabels(columns)];
  return measures.flatMap(({ measure, worse: given }) => {
    const worse = given ?? findWorseEnd(measure, summaries);
    return facets.map((facet): Table => {
      const cellAt = (row: string, column: string) => {
        const values = trials.flatMap(({ id, at }) => {
          const here =
            formatFacet(at) === facet && hasLabel(at, rows, row) && hasLabel(at, columns, column);
          return here ? (ownProperty(summaries.get(id)?.measures ?? {}, measure) ?? []) : [];
        });
        return values.length === 0 ? undefined : aggregateCell(values);
      };
      const cells = down.map((row) => across.map((column) => cellAt(row, column)));
      const worst = worse
        ? across.map((_, c) =>
            findWorst(
              cells.map((row) => row[c]),
              worse,
            ),
          )
        : [];
      return { measure, worse, facet, rows: down, columns: across, cells, worst };
    });
  });
}

/** Reads the worse end from the first trial that has the measure. */
function findWorseEnd(
  measure: string,
  summaries: ReadonlyMap<string, Summary>,
): "low" | "high" | undefined {
  for (const { details } of summaries.values()) {
    const detail = details.find(({ name }) => name === measure);
    if (detail?.better) return detail.better === "lower" ? "high" : "low";
  }
  return undefined;
}

/**
 * Finds measures that no trial has, such as misspelt ones. The list is empty if there are no
 * summaries.
 * @returns the missing measures, and all known ones
 */
export function missingMeasures(
  { measures }: Sweep,
  summaries: ReadonlyMap<string, Summary>,
): { missing: string[]; known: string[] } {
  const known = new Set(
    [...summaries.values()].flatMap((summary) => Object.keys(summary.measures)),
  );
  const missing = measures.map(({ measure }) => measure).filter((measure) => !known.has(measure));
  return { missing: known.size === 0 ? [] : missing, known: [...known].sort() };
}

function listLabels(dimension: Sweep["rows"]): readonly string[] {
  return dimension?.labels ?? [""];
}

function hasLabel(
  at: ReadonlyMap<string, string>,
  dimension: Sweep["rows"],
  label: string,
): boolean {
  return dimension === undefined || at.get(dimension.path) === label;
}

function aggregateCell(values: readonly number[]): Cell {
  return {
    mean: mean(values),
    min: minOf(values),
    max: maxOf(values),
    seeds: values.length,
  };
}

function findWorst(
  cells: readonly (Cell | undefined)[],
  worse: "low" | "high",
): number | undefined {
  const means = cells.flatMap((cell) => cell?.mean ?? []);
  if (means.length === 0) return undefined;
  return worse === "low" ? minOf(means) : maxOf(means);
}

/** Formats all cells as CSV: one line per measure, facet, row and column. */
export function toCsv(tables: readonly Table[]): string {
  const lines = tables.flatMap(({ measure, facet, rows, columns, cells }) =>
    rows.flatMap((row, r) =>
      columns.flatMap((column, c) => {
        const cell = cells[r]?.[c];
        if (cell === undefined) return [];
        const { mean: average, min, max, seeds } = cell;
        return [csvLine([measure, facet, row, column, average, min, max, seeds])];
      }),
    ),
  );
  return ["measure,facet,row,column,mean,min,max,seeds", ...lines, ""].join("\n");
}
