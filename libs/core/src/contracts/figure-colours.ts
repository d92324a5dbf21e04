/* Colours and line styles of curves, for the figures of the report and those of tasks. */

/** The colour-blind-safe colours of Okabe and Ito, in order of decreasing contrast. */
export const methodColours = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#8c6d31",
] as const;

/** The colour of lines and texts that are not the subject of a figure. */
export const mutedColour = "#666666";

/**
 * Dash patterns of the first curve, the second …. Each fits at least twice into a legend's stroke,
 * so that they can be distinguished there.
 */
export const dashes: readonly [number[], ...number[][]] = [
  [],
  [6, 3],
  [2, 2],
  [8, 2, 2, 2],
  [12, 4],
  [4, 1],
];

/**
 * A legend whose strokes are 34 pixels long, which is enough to distinguish the dashes. Its rows
 * are no higher than their text.
 */
export const strokeLegend = {
  symbolType: "M-3.4,0H3.4",
  symbolSize: 100,
  symbolOffset: 12,
  labelOffset: 17,
  symbolStrokeWidth: 2,
};
