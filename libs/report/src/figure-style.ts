import { dashes } from "@fedclair/core";
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
const distinct = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#8c6d31",
] as const;
const shapes = [
  "triangle-up",
  "square",
  "diamond",
  "cross",
  "triangle-down",
  "triangle-right",
] as const;

/** Sets points apart in a row that many share: a fixed pattern, since chance would differ between runs. @returns 0 … 12 */
export function jitter(i: number): number {
  return (i * 5) % 13;
}

interface Scale<T> {
  readonly domain: string[];
  readonly range: T[];
}

/** One colour an arm, the same in all figures. */
export function armColours(labels: readonly string[]): Scale<string> {
  return scaleOf<string>(labels, distinct);
}

export function armDashes(labels: readonly string[]): Scale<number[]> {
  return scaleOf(labels, dashes);
}

/** The benign grey, so that what departs from them stands out: by colour and by shape. */
export function truthColours(attacks: readonly string[]): Scale<string> {
  const { range } = scaleOf<string>(attacks, [
    "#d55e00",
    "#cc79a7",
    "#0072b2",
    "#e69f00",
    "#009e73",
  ]);
  return { domain: ["benign", ...attacks], range: ["#777777", ...range] };
}

export function truthShapes(attacks: readonly string[]): Scale<string> {
  return {
    domain: ["benign", ...attacks],
    range: ["circle", ...scaleOf<string>(attacks, shapes).range],
  };
}

function scaleOf<T>(domain: readonly string[], values: readonly [T, ...T[]]): Scale<T> {
  return {
    domain: [...domain],
    range: domain.map((_, i) => values[i % values.length] ?? values[0]),
  };
}

/** Faces of one set of letter widths (see text-width.ts): the layout holds with whichever a machine has. */
const font = "Arimo, Arial, Helvetica, Liberation Sans, sans-serif";

/** A plain journal style: thin axes, few lines, one size of letters. */
export const figureConfig: Config = {
  font,
  // The page names each figure as a whole; a name a mark would more than double the bytes.
  aria: false,
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
    titleColor: ink,
    titleFontSize: 11,
    titleFontWeight: "normal",
    labelColor: ink,
    labelFontSize: 11,
    labelLimit: 260,
    symbolSize: 60,
    symbolOpacity: 1,
    columnPadding: 14,
  },
  title: {
    anchor: "start",
    color: muted,
    fontSize: 11,
    fontWeight: "normal",
    subtitleColor: muted,
    offset: 8,
  },
};
