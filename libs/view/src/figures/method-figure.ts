import { formatCell, formatNumber, maxOf, type Table } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { axisTicks, errorAxis } from "./axis.js";
import { mutedColour } from "@fedclair/core";
import { namedCells, readCell } from "./cells.js";
import { armColours, createSpec, isNarrow } from "./figure-style.js";
import { isShareMeasure } from "../data/heat-tables.js";
import { textWidth } from "./text-width.js";

/** The largest number of dots that a reader can distinguish. */
export const maxDots = 60;

/** The number of columns that have a colour of their own. */
export const maxColours = 7;

/**
 * All methods on one measure: a dot for the mean over seeds with its 95 % interval, and a small
 * tick for each seed. Rows stand below each other; columns have colours. One panel per facet. For
 * counted clients, dot and interval are shares.
 */
export function methodFigure(
  tables: readonly [Table, ...Table[]],
  figureWidth: number,
): TopLevelSpec {
  const [{ measure, rows, columns }] = tables;
  const [means, seeds] = [tables.flatMap(listMeans), tables.flatMap(listSeeds)];
  const hasColumns = columns.length > 1;
  const drawn = columns.filter((column) => means.some((mean) => mean.column === column));
  const isShare = means.some((one) => one.isShare);
  // Numbers stand to the right of the marks, whole.
  const numbers = Math.max(90, 30 + maxOf(means.map(({ text }) => textWidth(text, 10))));
  const longest = maxOf(rows.map((row) => textWidth(row, 11)));
  // On a narrow screen long names stand above their marks: shortened, they would look alike.
  const areAbove = isNarrow(figureWidth) && longest > 100;
  const names = areAbove ? 0 : Math.min(190, longest);
  const step = hasColumns ? 17 * (columns.length + 1) : areAbove ? 40 : 28;
  const log = errorAxis(tables[0].worse === "high" && !isShare ? "lower" : undefined, [
    ...means.flatMap(({ low, high }) => [low, high]),
    ...seeds.map(({ value }) => value),
  ]);
  const x = {
    field: "value",
    type: "quantitative",
    title: isShare ? `${measure}, share of clients` : measure,
    scale: {
      padding: 8,
      // An interval of a mean may be wider than all that a share can be.
      ...((isShare || isShareMeasure(measure)) && { domain: [0, 1], clamp: true }),
      ...(log
        ? { type: log.type, domain: log.domain, nice: false }
        : { zero: measure.startsWith("detection.") }),
    },
    axis: {
      grid: true,
      gridDash: [1, 3],
      ...(log ? axisTicks(log) : { tickCount: isNarrow(figureWidth) ? 3 : 6 }),
      labelOverlap: true,
    },
  };
  const y = {
    field: "row",
    type: "nominal",
    title: null,
    scale: { domain: rows },
    axis: {
      ticks: false,
      domain: false,
      grid: false,
      ...(areAbove
        ? {
            labelAlign: "left",
            labelPadding: 0,
            labelOffset: 9 - step / 2,
            labelLimit: figureWidth,
          }
        : { labelLimit: names + 1 }), // Vega shortens a label that is exactly as wide as the limit
      ...(rows.length === 1 && { labels: false }),
    },
  };
  const position = {
    y,
    ...(hasColumns && {
      yOffset: { field: "place", type: "quantitative", scale: { domain: [-1, columns.length] } },
    }),
  };
  const colour = {
    field: "column",
    type: "nominal",
    scale: armColours(columns),
    legend: hasColumns ? { values: drawn, symbolType: "circle", symbolStrokeWidth: 0 } : null,
  };
  const panel = (facet: string) => ({
    ...(facet !== "" && { title: facet }),
    width: figureWidth - names - numbers,
    height: { step },
    layer: [
      {
        data: { values: seeds.filter((one) => one.facet === facet) },
        mark: { type: "tick", thickness: 1, height: 8, opacity: 0.45 },
        encoding: { x, ...position, color: colour, description: { field: "about" } },
      },
      {
        data: { values: means.filter((one) => one.facet === facet) },
        mark: { type: "rule", strokeWidth: 1.8 },
        encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, ...position, color: colour },
      },
      {
        data: { values: means.filter((one) => one.facet === facet) },
        mark: { type: "point", filled: true, size: 52, opacity: 1 },
        encoding: { x, ...position, color: colour, description: { field: "about" } },
      },
      {
        data: { values: means.filter((one) => one.facet === facet) },
        mark: { type: "text", align: "left", dx: 10, fontSize: 10, color: mutedColour },
        encoding: {
          x: { value: figureWidth - names - numbers },
          ...position,
          text: { field: "text" },
        },
      },
    ],
  });
  return createSpec({
    vconcat: [...new Set(tables.map(({ facet }) => facet))].map(panel),
    resolve: { scale: { x: "shared" } },
  });
}

function listMeans(table: Table) {
  return namedCells(table).map(({ cell, name, ...place }) => {
    const text = formatCell(cell);
    const isShare = cell.counts !== undefined;
    return { ...place, ...readCell(cell), isShare, text, about: `${name}: ${text}` };
  });
}

/** The values of single seeds. Shares of a few clients would lie on top of each other. */
function listSeeds(table: Table) {
  return namedCells(table).flatMap(({ cell, name, ...place }) => {
    if (cell.counts || cell.seeds === 1) return [];
    return cell.values.map((value, i) => {
      const about = `${name}, seed ${i + 1} of ${cell.seeds}: ${formatNumber(value)}`;
      return { ...place, value, about };
    });
  });
}
