import { createSpec, figureWidth, textWidth, type Drawing } from "@fedclair/view";
import { oneLine } from "@fedclair/core/internal";
import { maxOf } from "@fedclair/runs";
import { shortenModule } from "../adapters/names-text.js";
import type { Audit } from "../audit-schema.js";
import { createCellAxis, createGridLayers, type CellGrid } from "./grid.js";
import { sampleGroups, formatSampleNote, findPartings, type Group } from "./groups.js";
import { createModuleLabels } from "./module-labels.js";

/** End of the colour scale. A larger ratio only means that benign adapters differ by rounding. */
const mostMedians = 1000;
/** Up to this many adapters, rows have the normal text height. */
const mostTall = 60;
/** Number of shades per factor of ten. */
const shades = 8;

/** Draws how far each module of each adapter lies outside its shared space. */
export function moduleFigure({ adapters }: Audit, groups: readonly Group[]): Drawing {
  const ratios = new Map(
    adapters.map(({ name, modules }) => [
      name,
      new Map(modules.map(({ module, ratio }) => [module, ratio])),
    ]),
  );
  const drawn = sampleGroups(groups);
  const names = drawn.flatMap((group) => group.names);
  const columns = createModuleLabels([...(ratios.get(names[0] ?? "")?.keys() ?? [])]);
  const top = maxOf(adapters.flatMap(({ modules }) => modules.map(({ ratio }) => ratio)));
  const rows = names.map(oneLine);
  const labels = columns.map(({ label }) => label);
  const grid: CellGrid = {
    rows,
    columns: labels,
    partings: findPartings(drawn),
    isSquare: false,
    valueOf: (row, column) => ratios.get(names[row] ?? "")?.get(columns[column]?.module ?? ""),
    shadeOf: (ratio) => {
      const inside = Math.min(Math.max(ratio, 1), mostMedians);
      return Number((10 ** (Math.round(Math.log10(inside) * shades) / shades)).toPrecision(3));
    },
    aboutCell: (row, column, ratio) =>
      `${rows[row] ?? ""}, ${shortenModule(columns[column]?.module ?? "")}: ${ratio.toPrecision(3)}`,
  };
  const isEmpty = rows.length === 0 || labels.length === 0;
  return {
    name: "modules",
    title: "Adapters by module",
    caption:
      "How far each module of an adapter lies outside the shared space, as a multiple of the benign median. Lines separate groups of adapters." +
      (labels.length > 1 ? " Labels omit the parts that all module names have in common." : "") +
      formatSampleNote(groups),
    draw: () => (isEmpty ? undefined : drawModules(grid, Math.min(Math.max(top, 10), mostMedians))),
  };
}

function drawModules(grid: CellGrid, top: number) {
  const { rows, columns } = grid;
  const [rowStep, size] = rows.length <= mostTall ? [15, 11] : [10, 9];
  const margin = Math.min(190, maxOf(rows.map((row) => textWidth(row, size))));
  const columnStep = Math.min(60, (figureWidth - margin - 20) / columns.length);
  const widest = maxOf(columns.map((label) => textWidth(label, 10)));
  const isFlat = widest + 6 < columnStep;
  const x = createCellAxis(columns.length, "columnNames", {
    orient: "top",
    labelFontSize: columnStep < 11 ? 8 : 10,
    ...(isFlat
      ? {}
      : { labelAngle: -90, labelAlign: "left", labelBaseline: "middle", labelPadding: 5 }),
  });
  const y = createCellAxis(
    rows.length,
    "rowNames",
    { labelFontSize: size, labelOverlap: false },
    true,
  );
  const colour = {
    scale: {
      type: "log",
      domain: [1, Math.sqrt(top), top],
      clamp: true,
      range: ["#f6f4f0", "#e07b28", "#5c1f00"],
      interpolate: "rgb",
    },
    legend: {
      title: "× benign median",
      gradientLength: 220,
      format: "~g",
      values: [1, 2, 5, 10, 100, 1000],
    },
  };
  return createSpec({
    params: [
      { name: "rowNames", value: rows },
      { name: "columnNames", value: columns },
    ],
    width: Math.round(columnStep * columns.length),
    height: rowStep * rows.length,
    layer: createGridLayers(grid, x, y, colour),
  });
}
