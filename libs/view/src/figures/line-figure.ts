import { strokeLegend } from "@fedclair/core";
import { formatCell, formatNumber, type Cell, type Table } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { bandLines } from "./band-lines.js";
import { readCell } from "./cells.js";
import { armColours, createSpec, isNarrow } from "./figure-style.js";
import { maxColours } from "./method-figure.js";

/** A table whose rows or columns are numbers, as lines over them. */
export interface Lines {
  readonly facet: string;
  readonly series: readonly { readonly label: string; readonly points: readonly LinePoint[] }[];
}

interface LinePoint {
  readonly x: number;
  readonly cell: Cell;
}

/** A line needs this many numbers; two are better compared as dots. */
const minPoints = 3;

/**
 * Turns a table into lines over its numeric columns, or else its numeric rows. Returns undefined if
 * neither are numbers, or if there are more lines than colours.
 */
export function tableLines({ facet, rows, columns, cells }: Table): Lines | undefined {
  const create = (
    numbers: readonly string[],
    labels: readonly string[],
    at: (label: number, number: number) => Cell | undefined,
  ): Lines | undefined => {
    const xs = numbers.map(Number);
    if (xs.length < minPoints || xs.some(Number.isNaN) || labels.length > maxColours)
      return undefined;
    return {
      facet,
      series: labels.map((label, l) => ({
        label,
        points: xs
          .flatMap((x, n) => {
            const cell = at(l, n);
            return cell ? [{ x, cell }] : [];
          })
          .sort((a, b) => a.x - b.x),
      })),
    };
  };
  return (
    create(columns, rows, (row, column) => cells[row]?.[column]) ??
    create(rows, columns, (column, row) => cells[row]?.[column])
  );
}

/**
 * Lines over a numeric axis: the mean over seeds with a band of its 95 % interval, one panel per
 * facet.
 * @param axis the name of the numbers
 */
export function lineFigure(
  all: readonly [Lines, ...Lines[]],
  measure: string,
  axis: string,
  width: number,
): TopLevelSpec {
  const values = all.flatMap(({ facet, series }) =>
    series.flatMap(({ label, points }) =>
      points.map(({ x, cell }) => {
        const name = [label, `${axis} ${x}`].filter(Boolean).join(", ");
        return { facet, label, x, ...readCell(cell), about: `${name}: ${formatCell(cell)}` };
      }),
    ),
  );
  const labels = all[0].series.map(({ label }) => label);
  const xs = [...new Set(values.map(({ x }) => x))];
  const isLog = Math.min(...xs) > 0 && Math.max(...xs) / Math.min(...xs) >= 100;
  const y = { field: "value", type: "quantitative", title: measure, scale: { zero: false } };
  const panel = (facet: string) => ({
    ...(facet !== "" && { title: facet }),
    transform: [{ filter: { field: "facet", equal: facet } }],
    width: Math.min(520, width - 80),
    height: 220,
    encoding: {
      x: {
        field: "x",
        type: "quantitative",
        title: axis,
        scale: { type: isLog ? "log" : "linear", zero: false, nice: false, padding: 8 },
        axis: { grid: false, values: xs.length <= 10 ? xs : undefined, labelOverlap: true },
      },
      ...colours(labels),
    },
    layer: bandLines({
      series: "label",
      labels,
      mean: "value",
      y,
      point: { size: 34, filled: true },
    }),
  });
  return createSpec({
    data: { values },
    concat: all.map(({ facet }) => panel(facet)),
    columns: isNarrow(width) ? 1 : 2,
  });
}

function colours(labels: readonly string[]): object {
  const legend = labels.length > 1 ? strokeLegend : null;
  return { color: { field: "label", type: "nominal", scale: armColours(labels), legend } };
}

/**
 * The receiver operating characteristic: for each threshold of a sweep, the share of contaminated
 * clients that were flagged over the share of benign ones. Undefined unless both were counted.
 */
export function rocFigure(
  recall: Lines,
  falseAlarms: Lines,
  axis: string,
  width: number,
): TopLevelSpec | undefined {
  const values = recall.series.flatMap(({ label, points }, s) =>
    points.flatMap(({ x, cell: { counts: hits } }) => {
      const alarms = falseAlarms.series[s]?.points.find((one) => one.x === x)?.cell.counts;
      if (!hits || !alarms) return [];
      const [found, wrong] = [hits, alarms].map((one) => one.hits / one.of) as [number, number];
      const about = `${[label, `${axis} ${x}`].filter(Boolean).join(", ")}: ${formatNumber(found)} of the contaminated, ${formatNumber(wrong)} of the benign`;
      return [{ label, threshold: x, found, wrong, about }];
    }),
  );
  if (values.length < minPoints) return undefined;
  const labels = recall.series.map(({ label }) => label);
  const scale = { domain: [0, 1] };
  return createSpec({
    data: { values },
    width: Math.min(360, width - 80),
    height: Math.min(360, width - 80),
    encoding: {
      x: { field: "wrong", type: "quantitative", title: "benign clients flagged", scale },
      y: { field: "found", type: "quantitative", title: "contaminated clients flagged", scale },
      order: { field: "threshold", type: "quantitative" },
      description: { field: "about" },
      ...colours(labels),
    },
    mark: { type: "line", strokeWidth: 1.8, point: { size: 40, filled: true } },
  });
}
