import { armDashes } from "./figure-style.js";

/** The fields of a line of means with a band around it, and how it looks. */
interface BandLines {
  /** The field that tells the lines apart, and its values. */
  readonly series: string;
  readonly labels: readonly string[];
  /** The field of the means. The ends of bands are in `low` and `high`. */
  readonly mean: string;
  readonly y: object;
  /** Draws points as well. */
  readonly point?: object | false;
  /** The data of bands and lines, if the figure has other data too. */
  readonly data?: object;
  /** Layers between bands and lines. */
  readonly between?: readonly object[];
}

/** The layers of lines with bands, in one style for all figures. */
export function bandLines({
  series,
  labels,
  mean,
  y,
  point = false,
  data = {},
  between = [],
}: BandLines): object[] {
  return [
    {
      ...data,
      mark: { type: "area", opacity: 0.14, aria: false },
      encoding: { y: { ...y, field: "low" }, y2: { field: "high" } },
    },
    ...between,
    {
      ...data,
      mark: { type: "line", strokeWidth: 1.8, point },
      encoding: {
        y: { ...y, field: mean },
        description: { field: "about" },
        strokeDash: { field: series, type: "nominal", scale: armDashes(labels) },
      },
    },
  ];
}
