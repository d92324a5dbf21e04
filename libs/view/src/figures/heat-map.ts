import { formatCell, formatShare, maxOf, minOf, valueOf, type Table } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { namedCells } from "./cells.js";
import { createSpec, inkColour, isNarrow } from "./figure-style.js";

const worstRow = "worst";

/** The address of the runs of a cell; undefined if it is no cell of the grid. */
export type CellLink = (facet: string, row: string, column: string) => string | undefined;

/** Cells are at least this wide, so that a number with its interval fits. */
const minCell = 74;

/**
 * Cells coloured from bad to good, with their numbers and intervals; the worst has a frame, and
 * each leads to its runs. If it is known which values are worse, a last row shows the worst of each
 * column. One panel per facet. Undefined if the cells do not fit into the width.
 */
export function heatMap(
  tables: readonly [Table, ...Table[]],
  width: number,
  linkOf: CellLink = () => undefined,
): TopLevelSpec | undefined {
  const [{ worse }] = tables;
  const values = tables.flatMap((table) => listMarks(table, linkOf));
  const means = values.map(({ mean }) => mean);
  // Ratios and errors span decades; shares do not.
  const spread = maxOf(means) / minOf(means);
  const scale = minOf(means) > 0 && spread > 30 ? "log" : "linear";
  const hasWorst = tables[0].worst.length > 0;
  const rows = hasWorst ? [...tables[0].rows, worstRow] : tables[0].rows;
  const labels = maxOf(rows.map((row) => row.length)) * 6;
  const columnCount = tables[0].columns.length;
  const room = width - labels - 40;
  if (isNarrow(width) && room < columnCount * minCell) return undefined;
  const hasIntervals = values.some(({ interval }) => interval !== "");
  const isLabelled = room >= columnCount * minCell;
  const textColour = {
    condition: { test: "datum.shade > 0.55", value: inkColour },
    value: "#ffffff",
  };
  const panel = (facet: string) => ({
    ...(facet !== "" && { title: facet }),
    transform: [{ filter: { field: "facet", equal: facet } }],
    width: Math.min(columnCount * 92, room),
    height: { step: hasIntervals && isLabelled ? 36 : 24 },
    encoding: {
      href: { field: "href" },
      description: { field: "about" },
      y: {
        field: "row",
        type: "nominal",
        title: null,
        scale: { domain: rows },
        axis: {
          domain: false,
          ticks: false,
          labelFontStyle: {
            condition: { test: `datum.value === '${worstRow}'`, value: "italic" },
            value: "normal",
          },
        },
      },
      x: {
        field: "column",
        type: "nominal",
        title: null,
        scale: { domain: tables[0].columns },
        axis: { orient: "top", labelAngle: columnCount > 6 ? -30 : 0, domain: false, ticks: false },
      },
    },
    layer: [
      {
        mark: { type: "rect", stroke: "#ffffff", strokeWidth: 1 },
        encoding: {
          color: {
            field: "mean",
            type: "quantitative",
            scale: { scheme: "viridis", type: scale, reverse: worse === "high" },
            legend: null,
          },
        },
      },
      {
        transform: [{ filter: "datum.isWorst" }],
        mark: { type: "rect", fillOpacity: 0, stroke: inkColour, strokeWidth: 3, aria: false },
      },
      {
        mark: { type: "text", fontSize: 11, dy: hasIntervals && isLabelled ? -7 : 0 },
        encoding: { text: { field: "text", type: "nominal" }, color: textColour },
      },
      ...(isLabelled
        ? [
            {
              mark: { type: "text", fontSize: 9, dy: 8 },
              encoding: { text: { field: "interval", type: "nominal" }, color: textColour },
            },
          ]
        : []),
    ],
  });
  const shade = createShade(means, scale, worse);
  return createSpec({
    data: { values: values.map((value) => ({ ...value, shade: shade(value.mean) })) },
    vconcat: tables.map(({ facet }) => panel(facet)),
  });
}

function listMarks(table: Table, linkOf: CellLink) {
  const { facet, columns, worst, worse } = table;
  const short = (value: number) => String(Number(value.toPrecision(3)));
  const cells = namedCells(table);
  const means = cells.map(({ cell }) => valueOf(cell));
  const worstMean = worse === undefined ? NaN : worse === "low" ? minOf(means) : maxOf(means);
  const measured = cells.map(({ row, column, cell, name }, i) => {
    const { interval, counts } = cell;
    const mean = means[i] ?? NaN;
    const range = counts
      ? formatShare(counts.low, counts.high)
      : interval
        ? `± ${short((interval.high - interval.low) / 2)}`
        : "";
    const about = `${name}: ${formatCell(cell)}`;
    const isWorst = mean === worstMean && means.length > 1;
    const href = linkOf(facet, row, column);
    return { facet, row, column, mean, text: short(mean), interval: range, about, isWorst, href };
  });
  // Where other cells have links, Vega stumbles over one without, as in the column of worst cases.
  const link = measured.some(({ href }) => href !== undefined) ? { href: "#runs" } : {};
  return [
    ...measured.map((cell) => (cell.href === undefined ? { ...cell, ...link } : cell)),
    ...worst.flatMap((mean, c) => {
      if (mean === undefined) return [];
      const [column, text] = [columns[c] ?? "", short(mean)];
      const about = `worst of ${column}: ${text}`;
      const marks = { facet, row: worstRow, column, mean, text, interval: "", about };
      return [{ ...marks, isWorst: false, ...link }];
    }),
  ];
}

/** Maps a value to its position between the dark end of the colours (0) and the light end (1). */
function createShade(means: readonly number[], scale: "log" | "linear", worse: Table["worse"]) {
  const position = (x: number) => (scale === "log" ? Math.log(x) : x);
  const low = position(minOf(means));
  const span = position(maxOf(means)) - low || 1;
  return (x: number) => {
    const share = (position(x) - low) / span;
    return worse === "high" ? 1 - share : share;
  };
}
