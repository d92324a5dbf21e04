/* How curves are told apart in every figure, whoever draws it: the report, or a task in figures of its own. */

/** Dashes of the first curve, the second …: told apart on the stroke of a legend, which shows each at least twice. */
export const dashes: readonly [number[], ...number[][]] = [
  [],
  [6, 3],
  [2, 2],
  [8, 2, 2, 2],
  [12, 4],
  [4, 1],
];

/** A legend of strokes as long as dashes need to be told apart, 34 pixels, in rows no higher than their letters. */
export const strokeLegend = {
  symbolType: "M-3.4,0H3.4",
  symbolSize: 100,
  symbolOffset: 12,
  labelOffset: 17,
  symbolStrokeWidth: 2,
};
