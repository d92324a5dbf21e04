import {
  formatFacet,
  groupTables,
  maxOf,
  minOf,
  tableCells,
  valueOf,
  type Cell,
  type Grid,
  type Table,
} from "@fedclair/runs";

/** The results of a sweep as tables whose cells are coloured by how bad they are. */
export interface HeatTable {
  /** Empty if the heads say it all. */
  readonly title: string;
  readonly heads: readonly string[];
  readonly rows: readonly { readonly name: string; readonly cells: readonly HeatCell[] }[];
  /** The worst of each column; empty if no end is worse. */
  readonly worst: readonly string[];
}

interface HeatCell {
  readonly text: string;
  /** From 0, good, to 5, bad; absent if no end of the scale is worse. */
  readonly level?: number;
  /** The address of its runs. */
  readonly href?: string;
}

/** The number of the worst level; `base.css` has a colour for each. */
const worstLevel = 5;

/** From this ratio of the largest to the smallest value on, levels follow the logarithm. */
const logRatio = 30;

/** @param linkOf returns the address of trials, which are those of one cell */
export function heatTables(
  grid: Grid,
  tables: readonly Table[],
  linkOf: (trials: Grid["trials"]) => string | undefined,
): HeatTable[] {
  return groupTables(tables).map((group): HeatTable => {
    const { title, heads, rows, worst } = tableCells(group);
    const levels = group.map(createLevels);
    const isWide = group[0].columns.length > 1;
    return {
      title,
      heads,
      worst,
      rows: rows.map(([name = "", ...texts], r) => ({
        name,
        cells: texts.map((text, c): HeatCell => {
          const [t, column] = isWide ? [0, c] : [c, 0];
          const { facet = "", columns = [], cells = [] } = group[t] ?? {};
          const level = levels[t]?.(cells[r]?.[column]);
          const trials = listTrials(grid, facet, name, columns[column] ?? "");
          const href = text === "–" || trials.length === 0 ? undefined : linkOf(trials);
          return {
            text,
            ...(level !== undefined && { level }),
            ...(href !== undefined && { href }),
          };
        }),
      })),
    };
  });
}

/** Lists the trials of a cell. */
export function listTrials(grid: Grid, facet: string, row: string, column: string): Grid["trials"] {
  const { rows, columns, trials } = grid;
  return trials.filter(
    ({ at }) =>
      (!rows || at.get(rows.path) === row) &&
      (!columns || at.get(columns.path) === column) &&
      formatFacet(grid, at) === facet,
  );
}

/** Says how bad a cell of a table is. Whatever is worse than the good end has at least level 1. */
function createLevels(table: Table): (cell: Cell | undefined) => number | undefined {
  const { worse } = table;
  const values = table.cells.flat().flatMap((cell) => (cell ? valueOf(cell) : []));
  const [low, high] = domainOf(table, values);
  const place = low > 0 && high / low > logRatio ? Math.log : Number;
  const span = place(high) - place(low);
  // Values that differ by rounding are equal.
  const isFlat = high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high));
  return (cell) => {
    if (!cell || !worse) return undefined;
    const share = isFlat ? 0 : (place(clip(valueOf(cell), low, high)) - place(low)) / span;
    const badness = worse === "high" ? share : 1 - share;
    return badness < 1e-9 ? 0 : Math.max(1, Math.round(worstLevel * badness));
  };
}

/**
 * The values between which colours change: shares from 0 to 1, counts of clients from 0, and
 * comparisons from where both are equal.
 */
function domainOf(
  { measure, worse, cells }: Table,
  values: readonly number[],
): readonly [number, number] {
  const [low, high] = [minOf(values), maxOf(values)];
  const isCounted = cells.flat().some((cell) => cell?.counts);
  if (isCounted || isShareMeasure(measure)) return [0, 1];
  const equal = measure.includes(".gainOver.") ? 0 : measure.includes(".ratioTo.") ? 1 : undefined;
  if (equal !== undefined)
    return worse === "high" ? [equal, Math.max(equal, high)] : [Math.min(equal, low), equal];
  return [measure.startsWith("detection.") ? 0 : low, high];
}

/** Is a measure a share of clients in each run? */
export function isShareMeasure(measure: string): boolean {
  return /^detection\.(recall|precision|f1)/.test(measure);
}

function clip(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
