import { dashes, strokeLegend } from "@fedclair/core";

/** A curve of a figure, as its legend calls it. */
export interface Line {
  readonly label: string;
  readonly colour: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const grey = "#777777";
/**
 * A layer of curves that differ by colour and dashes.
 * @param x,y the rest of their encodings: titles, scales, axes
 */
export function lineLayer(lines: readonly Line[], x: object, y: object): object {
  const drawn = merged(lines);
  const domain = drawn.map(({ label }) => label);
  const long = domain.join("").length > 60;
  const legend = { ...strokeLegend, labelLimit: 0, ...(long && { direction: "vertical" }) };
  return {
    data: {
      values: drawn.flatMap(({ label, points }) => points.map((point) => ({ ...point, label }))),
    },
    mark: { type: "line", strokeWidth: 1.6, point: { size: 30, filled: true } },
    encoding: {
      x: { field: "x", type: "quantitative", ...x },
      y: { field: "y", type: "quantitative", ...y },
      color: {
        field: "label",
        type: "nominal",
        scale: { domain, range: drawn.map(({ colour }) => colour) },
        legend,
      },
      // Curves can lie close together: through a dashed one the other shows.
      strokeDash: {
        field: "label",
        type: "nominal",
        scale: { domain, range: domain.map((_, i) => dashes[i % dashes.length]) },
      },
    },
  };
}

/** Curves that coincide become one with all their labels: the last one drawn would hide the others. */
export function merged(lines: readonly Line[]): Line[] {
  const groups = new Map<string, Line>();
  for (const line of lines) {
    const key = JSON.stringify(line.points);
    const first = groups.get(key);
    groups.set(key, first ? { ...first, label: `${first.label}, ${line.label}` } : line);
  }
  return [...groups.values()];
}

/** Dashed lines across, named right of the plot, where no curve comes. @param y as that of the curves */
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
