import { maxOf, minOf, type Table } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { figureConfig, figureWidth, ink } from "./figure-style.js";

const worstRow = "worst";

/**
 * Cells coloured from bad to good, with their numbers. If it is known which values are worse, a
 * last row shows the worst of each column. One panel per facet.
 */
export function heatMap(tables: readonly [Table, ...Table[]]): TopLevelSpec {
  const [{ worse }] = tables;
  const values = tables.flatMap((table) => listCells(table));
  const means = values.map(({ mean }) => mean);
  // Ratios and errors span decades; shares do not.
  const spread = maxOf(means) / minOf(means);
  const scale = minOf(means) > 0 && spread > 30 ? "log" : "linear";
  const hasWorst = tables[0].worst.length > 0;
  const rows = hasWorst ? [...tables[0].rows, worstRow] : tables[0].rows;
  const labels = maxOf(rows.map((row) => row.length)) * 6;
  const columnCount = tables[0].columns.length;
  const panel = (facet: string) => ({
    ...(facet !== "" && { title: facet }),
    transform: [{ filter: { field: "facet", equal: facet } }],
    width: Math.min(columnCount * 92, figureWidth - labels - 40),
    height: { step: 24 },
    encoding: {
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
        mark: { type: "text", fontSize: 11 },
        encoding: {
          text: { field: "text", type: "nominal" },
          color: { condition: { test: "datum.shade > 0.55", value: ink }, value: "#ffffff" },
        },
      },
    ],
  });
  const shade = createShade(means, scale, worse);
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: figureConfig,
    data: { values: values.map((value) => ({ ...value, shade: shade(value.mean) })) },
    vconcat: tables.map(({ facet }) => panel(facet)),
  } as unknown as TopLevelSpec;
}

function listCells({ facet, rows, columns, cells, worst }: Table) {
  const at = (row: string, column: string, mean: number | undefined) =>
    mean === undefined
      ? []
      : [{ facet, row, column, mean, text: String(Number(mean.toPrecision(3))) }];
  return [
    ...rows.flatMap((row, r) =>
      columns.flatMap((column, c) => at(row, column, cells[r]?.[c]?.mean)),
    ),
    ...worst.flatMap((mean, c) => at(worstRow, columns[c] ?? "", mean)),
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
