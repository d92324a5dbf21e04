import { dashes, strokeLegend } from "@fedclair/core";

/** A curve of a figure with its legend label. */
export interface Line {
  readonly label: string;
  readonly colour: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const grey = "#777777";
/**
 * Builds a layer of curves that differ in colour and dashes.
 * @param x further options for the x encoding: title, scale, axis
 * @param y further options for the y encoding
 */
export function lineLayer(lines: readonly Line[], x: object, y: object): object {
  const mergedLines = mergeLines(lines);
  const domain = mergedLines.map(({ label }) => label);
  const isLong = domain.join("").length > 60;
  const legend = { ...strokeLegend, labelLimit: 0, ...(isLong && { direction: "vertical" }) };
  return {
    data: {
      values: mergedLines.flatMap(({ label, points }) =>
        points.map((point) => ({ ...point, label })),
      ),
    },
    mark: { type: "line", strokeWidth: 1.6, point: { size: 30, filled: true } },
    encoding: {
      x: { field: "x", type: "quantitative", ...x },
      y: { field: "y", type: "quantitative", ...y },
      color: {
        field: "label",
        type: "nominal",
        scale: { domain, range: mergedLines.map(({ colour }) => colour) },
        legend,
      },
      // Curves can lie close together. A dashed one lets the one below show through.
      strokeDash: {
        field: "label",
        type: "nominal",
        scale: { domain, range: domain.map((_, i) => dashes[i % dashes.length]) },
      },
    },
  };
}

/**
 * Merges curves that coincide into one with all their labels. Otherwise the last one drawn would
 * hide the others.
 */
export function mergeLines(lines: readonly Line[]): Line[] {
  const groups = new Map<string, Line>();
  for (const line of lines) {
    const key = JSON.stringify(line.points);
    const first = groups.get(key);
    groups.set(key, first ? { ...first, label: `${first.label}, ${line.label}` } : line);
  }
  return [...groups.values()];
}

/**
 * Builds a layer of dashed horizontal lines. Their names stand to the right of the plot, where they
 * cannot meet a curve.
 * @param y further options for the y encoding, the same as for the curves
 */
export function referenceLayer(
  references: readonly { readonly name: string; readonly y: number }[],
  y: object,
): object {
  return {
    data: { values: references },
    encoding: { y: { field: "y", type: "quantitative", ...y } },
    layer: [
      { mark: { type: "rule", strokeDash: [4, 3], color: grey } },
      {
        mark: { type: "text", align: "left", dx: 6, color: grey },
        encoding: { x: { value: "width" }, text: { field: "name" } },
      },
    ],
  };
}
