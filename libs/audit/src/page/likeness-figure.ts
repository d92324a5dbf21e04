import { axisTicks, createSpec, type Axis, type Drawing } from "@fedclair/view";
import { oneLine } from "@fedclair/core/internal";
import { maxOf, minOf } from "@fedclair/runs";
import type { Audit } from "../audit-schema.js";
import { findPiece, medianSize } from "../text/evidence-text.js";
import { statusEncoding } from "./evidence-figure.js";
import { createCellAxis, createGridLayers, type CellGrid } from "./grid.js";
import { formatGroupLabel } from "./group-text.js";
import { sampleGroups, formatSampleNote, findPartings, type Group } from "./groups.js";

/** Up to this many adapters, each row has a name; in larger figures each group has a label. */
const mostNamed = 60;
/** Maximum width of the matrix in pixels, without names and norms. */
const widestMatrix = 600;

/**
 * Draws the cosines of all pairs of adapters and next to them the norms. Has no drawing if cosines
 * are not known.
 */
export function likenessFigure(audit: Audit, groups: readonly Group[]): Drawing {
  const { alike } = audit;
  const drawn = sampleGroups(groups);
  const names = drawn.flatMap((group) => group.names);
  const places = new Map(alike?.names.map((name, i) => [name, i]));
  const rows = names.map(oneLine);
  const grid: CellGrid = {
    rows,
    columns: rows,
    partings: findPartings(drawn),
    isSquare: true,
    valueOf: (row, column) =>
      row === column
        ? undefined
        : alike?.cosines[places.get(names[row] ?? "") ?? -1]?.[
            places.get(names[column] ?? "") ?? -1
          ],
    shadeOf: (cosine) => Math.round(cosine * 20) / 20,
    aboutCell: (row, column, cosine) =>
      `${rows[row] ?? ""}, ${rows[column] ?? ""}: ${cosine.toFixed(3)}`,
  };
  return {
    name: "likeness",
    title: "Similarity of adapters",
    caption:
      "Cosine of each pair of changes, averaged over modules, with adapters in the same order in rows and columns. On the right, the norm of each change as a multiple of the benign median. " +
      "Adapters form a group if their mean cosine exceeds that of 95 % of the benign pairs." +
      formatSampleNote(groups),
    draw: () =>
      alike === undefined || names.length === 0 ? undefined : drawMatrix(grid, audit, groups),
  };
}

function drawMatrix(grid: CellGrid, audit: Audit, groups: readonly Group[]) {
  const { rows } = grid;
  const step = Math.max(Math.min(20, Math.floor(widestMatrix / rows.length)), 1);
  const side = step * rows.length;
  const isNamed = rows.length <= mostNamed;
  const drawn = sampleGroups(groups);
  const begins = [0, ...grid.partings];
  const middles = begins.map((row, g) => row + Math.floor((drawn[g]?.names.length ?? 0) / 2));
  const labels = isNamed
    ? rows
    : rows.map((_, row) => formatGroupLabel(groups[middles.indexOf(row)]));
  const across = createCellAxis(rows.length, "rowNames", { labels: false });
  const down = createCellAxis(
    rows.length,
    "rowNames",
    isNamed
      ? { labelFontSize: step < 12 ? 9 : 11, labelOverlap: false }
      : { values: middles.map((row) => row + 0.5) },
    true,
  );
  const colour = {
    scale: { domain: [-1, 0, 1], range: ["#b2182b", "#f6f4f0", "#08519c"], interpolate: "rgb" },
    legend: { title: "cosine", gradientLength: 220, values: [-1, -0.5, 0, 0.5, 1] },
  };
  return createSpec({
    params: [{ name: "rowNames", value: labels }],
    spacing: 14,
    hconcat: [
      { width: side, height: side, layer: createGridLayers(grid, across, down, colour) },
      ...createNormsPanel(audit, drawn, { ...down, axis: null }, side),
    ],
  });
}

/** Draws the norms in the rows of the matrix. */
function createNormsPanel(
  { adapters }: Audit,
  groups: readonly Group[],
  y: object,
  height: number,
): object[] {
  const usual = medianSize(adapters);
  if (usual === undefined) return [];
  const found = new Map(adapters.map((one) => [one.name, one]));
  const values = groups
    .flatMap(({ names }) => names)
    .flatMap((name, row) => {
      const one = found.get(name);
      const size = one && findPiece(one, "size")?.statistic;
      if (one === undefined || size === undefined) return [];
      const value = size / usual;
      const about = `${oneLine(name)}: ${value.toPrecision(3)}×`;
      return [{ middle: row + 0.5, value, status: one.status, about }];
    });
  const sizes = values.map(({ value }) => value);
  const axis: Axis = { type: "log", domain: [minOf(sizes) / 1.1, maxOf(sizes) * 1.1] };
  return [
    {
      width: 100,
      height,
      data: { values },
      mark: { type: "point", filled: true, size: 30, opacity: 0.9, aria: true },
      encoding: {
        x: {
          field: "value",
          type: "quantitative",
          title: "norm",
          scale: { type: axis.type, domain: axis.domain, nice: false },
          axis: { grid: true, gridDash: [1, 3], ...axisTicks(axis), labelOverlap: true },
        },
        y: { ...y, field: "middle" },
        ...statusEncoding,
        description: { field: "about" },
      },
    },
  ];
}
