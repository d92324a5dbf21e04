import { dashes, methodColours, mutedColour } from "@fedclair/core";
import type { Config, TopLevelSpec } from "vega-lite";

/** Colours of text and lines; in dark mode the page's style replaces them. */
export const inkColour = "#222222";
export const faint = "#dddddd";
/** Marks verdicts that differ from the truth, and nothing else. */
export const alarm = "#c00000";

/** Width of the widest figure, in CSS pixels: the text column of the page. */
export const figureWidth = 860;

/** Width of figures on a narrow screen: a phone of 390 pixels without the margins of the page. */
export const narrowWidth = 350;

/** Does a figure of this width stand on a narrow screen? */
export function isNarrow(width: number): boolean {
  return width < 500;
}

const shapes = [
  "triangle-up",
  "square",
  "diamond",
  "cross",
  "triangle-down",
  "triangle-right",
] as const;

/**
 * An offset that separates points in a shared row. It follows a fixed pattern, because random
 * offsets would differ between runs.
 * @returns 0 … 12
 */
export function jitter(i: number): number {
  return (i * 5) % 13;
}

interface Scale<T> {
  readonly domain: string[];
  readonly range: T[];
}

/** One colour per arm, the same in all figures. */
export function armColours(labels: readonly string[]): Scale<string> {
  return createScale<string>(labels, methodColours);
}

export function armDashes(labels: readonly string[]): Scale<number[]> {
  return createScale(labels, dashes);
}

/** Colours by truth: benign clients are grey, and each attack has a colour. */
export function truthColours(attacks: readonly string[]): Scale<string> {
  const { range } = createScale<string>(attacks, [
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
    range: ["circle", ...createScale<string>(attacks, shapes).range],
  };
}

function createScale<T>(domain: readonly string[], values: readonly [T, ...T[]]): Scale<T> {
  return {
    domain: [...domain],
    range: domain.map((_, i) => values[i % values.length] ?? values[0]),
  };
}

/**
 * Fonts with the same letter widths (see text-width.ts), so the layout is right with any of them.
 */
const font = "Arimo, Arial, Helvetica, Liberation Sans, sans-serif";

/** A plain journal style: thin axes, few lines, one font size. */
export const figureConfig: Config = {
  font,
  // The page labels each figure as a whole; a label for every mark would more than double the
  // bytes.
  aria: false,
  background: "transparent",
  padding: 4,
  view: { stroke: null },
  axis: {
    labelColor: inkColour,
    titleColor: inkColour,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: "normal",
    domainColor: mutedColour,
    tickColor: mutedColour,
    gridColor: faint,
    tickSize: 4,
    labelLimit: 190,
  },
  header: { labelColor: inkColour, labelFontSize: 11, title: null, labelLimit: 400 },
  legend: {
    orient: "top",
    title: null,
    titleColor: inkColour,
    titleFontSize: 11,
    titleFontWeight: "normal",
    labelColor: inkColour,
    labelFontSize: 11,
    labelLimit: 260,
    symbolSize: 60,
    symbolOpacity: 1,
    columnPadding: 14,
  },
  title: {
    anchor: "start",
    color: mutedColour,
    fontSize: 11,
    fontWeight: "normal",
    subtitleColor: mutedColour,
    offset: 8,
  },
};

/** A figure in this style. @param parts its data and views, in the words of Vega-Lite */
export function createSpec(parts: object): TopLevelSpec {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: figureConfig,
    ...parts,
  } as unknown as TopLevelSpec;
}
