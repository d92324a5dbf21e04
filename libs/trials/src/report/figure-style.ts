import type { Config } from "vega-lite";

/** Colours of text and lines; the page swaps them for its own in dark mode (page-style.ts). */
export const ink = "#222222";
export const muted = "#666666";
export const faint = "#dddddd";
/** Only for verdicts that differ from the truth. */
export const alarm = "#c00000";

/** Widest figure, in CSS pixels: the text column of the page. */
export const figureWidth = 860;

/** Okabe and Ito's colours, told apart by the colour-blind, in the order in which they contrast most. */
const distinct = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31"];
const shapes = ["triangle-up", "square", "diamond", "cross", "triangle-down", "triangle-right"];
const dashes = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 2, 2, 2],
  [4, 4],
  [10, 3],
  [1, 3],
];

interface Scale<T> {
  readonly domain: string[];
  readonly range: T[];
}

/** One colour an arm, the same in all figures. */
export function armColours(labels: readonly string[]): Scale<string> {
  return scaleOf(labels, distinct);
}

export function armDashes(labels: readonly string[]): Scale<number[]> {
  return scaleOf(labels, dashes);
}

/** The benign grey, so that what departs from them stands out: by colour and by shape. */
export function truthColours(attacks: readonly string[]): Scale<string> {
  const { range } = scaleOf(attacks, ["#d55e00", "#cc79a7", "#0072b2", "#e69f00", "#009e73"]);
  return { domain: ["benign", ...attacks], range: ["#777777", ...range] };
}

export function truthShapes(attacks: readonly string[]): Scale<string> {
  return { domain: ["benign", ...attacks], range: ["circle", ...scaleOf(attacks, shapes).range] };
}

function scaleOf<T>(domain: readonly string[], values: readonly T[]): Scale<T> {
  const range = domain.flatMap((_, i) => values[i % values.length] ?? []) as T[];
  return { domain: [...domain], range };
}

/** Faces of one set of letter widths (see text-width.ts): the layout holds with whichever a machine has. */
const font = "Arimo, Arial, Helvetica, Liberation Sans, sans-serif";

/** A plain journal style: thin axes, few lines, one size of letters. */
export const figureConfig: Config = {
  font,
  background: "transparent",
  padding: 4,
  view: { stroke: null },
  axis: {
    labelColor: ink,
    titleColor: ink,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: "normal",
    domainColor: muted,
    tickColor: muted,
    gridColor: faint,
    tickSize: 4,
    labelLimit: 190,
  },
  header: { labelColor: ink, labelFontSize: 11, title: null, labelLimit: 400 },
  legend: {
    orient: "top",
    title: null,
    labelColor: ink,
    labelFontSize: 11,
    labelLimit: 260,
    symbolSize: 60,
    columnPadding: 14,
  },
  title: {
    anchor: "start",
    color: ink,
    fontSize: 11,
    fontWeight: "normal",
    subtitleColor: muted,
    subtitleFontSize: 11,
    offset: 8,
  },
};
