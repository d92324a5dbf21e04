import { ownProperty } from "../measure.js";
import { maxOf, minOf, mean } from "../numbers.js";
import type { Summary } from "../summary.js";
import { seedPath, type Sweep } from "./sweep-file.js";

/** One measure over the grid: rows × columns, for one choice of all other dimensions. */
export interface Table {
  readonly measure: string;
  /** The end of the scale that is worse; undefined where neither is. */
  readonly worse: "low" | "high" | undefined;
  /** The choice of the other dimensions, as `task.common = 0.9`; empty if there are none. */
  readonly facet: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** By row, then column: over seeds. Undefined where no trial measured it. */
  readonly cells: readonly (readonly (Cell | undefined)[])[];
  /** The worst mean of each column; empty where no end is worse. */
  readonly worst: readonly (number | undefined)[];
}

export interface Cell {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly seeds: number;
}

/** @param summaries of the trials that are done, by id */
export function sweepTables(sweep: Sweep, summaries: ReadonlyMap<string, Summary>): Table[] {
  const { rows, columns, dimensions, measures, trials } = sweep;
  const others = dimensions.filter(({ path }) => {
    return path !== rows?.path && path !== columns?.path && path !== seedPath;
  });
  const facetOf = (at: ReadonlyMap<string, string>) =>
    others.map(({ path }) => `${path} = ${at.get(path) ?? ""}`).join(", ");
  const facets = [...new Set(trials.map(({ at }) => facetOf(at)))];
  const [down, across] = [labelsOf(rows), labelsOf(columns)];
  return measures.flatMap(({ measure, worse: told }) => {
    const worse = told ?? worseEnd(measure, summaries);
    return facets.map((facet): Table => {
      const cellAt = (row: string, column: string) => {
        const values = trials.flatMap(({ id, at }) => {
          const here = facetOf(at) === facet && isAt(at, rows, row) && isAt(at, columns, column);
          return here ? (ownProperty(summaries.get(id)?.measures ?? {}, measure) ?? []) : [];
        });
        return values.length === 0 ? undefined : cellOf(values);
      };
      const cells = down.map((row) => across.map((column) => cellAt(row, column)));
      const worst = worse
        ? across.map((_, c) =>
            worstOf(
              cells.map((row) => row[c]),
              worse,
            ),
          )
        : [];
      return { measure, worse, facet, rows: down, columns: across, cells, worst };
    });
  });
}

/** As the measure of the first trial that has it is described. */
function worseEnd(
  measure: string,
  summaries: ReadonlyMap<string, Summary>,
): "low" | "high" | undefined {
  for (const { details } of summaries.values()) {
    const found = details.find(({ name }) => name === measure);
    if (found?.better) return found.better === "lower" ? "high" : "low";
  }
  return undefined;
}

/**
 * Measures that no trial has, as misspelt ones; none if there are no summaries to tell by.
 * @returns them, and those that there are
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

function labelsOf(dimension: Sweep["rows"]): readonly string[] {
  return dimension?.labels ?? [""];
}

function isAt(at: ReadonlyMap<string, string>, dimension: Sweep["rows"], label: string): boolean {
  return dimension === undefined || at.get(dimension.path) === label;
}

function cellOf(values: readonly number[]): Cell {
  return {
    mean: mean(values),
    min: minOf(values),
    max: maxOf(values),
    seeds: values.length,
  };
}

function worstOf(cells: readonly (Cell | undefined)[], worse: "low" | "high"): number | undefined {
  const means = cells.flatMap((cell) => cell?.mean ?? []);
  if (means.length === 0) return undefined;
  return worse === "low" ? minOf(means) : maxOf(means);
}

/** All cells as CSV: a line a measure, facet, row and column. */
export function toCsv(tables: readonly Table[]): string {
  const quote = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = tables.flatMap(({ measure, facet, rows, columns, cells }) =>
    rows.flatMap((row, r) =>
      columns.flatMap((column, c) => {
        const cell = cells[r]?.[c];
        if (cell === undefined) return [];
        const { mean: average, min, max, seeds } = cell;
        return [
          [measure, facet, row, column, average, min, max, seeds].map(String).map(quote).join(","),
        ];
      }),
    ),
  );
  return ["measure,facet,row,column,mean,min,max,seeds", ...lines, ""].join("\n");
}
