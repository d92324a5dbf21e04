import { item } from "@fedclair/linalg";
import type { FigureInput } from "@fedclair/core";
import type { Findings } from "../coordinator.js";
import { centresOf, widthOf } from "../federation/grid.js";
import type { PanelReport } from "../panel-report.js";
import { optionsSchema, type Options } from "../options.js";

export const grey = "#9a9a9a";
export const ink = "#222222";

/** What one method found. */
export interface Shown {
  readonly label: string;
  readonly colour: string;
  readonly findings: Findings;
}

/** The findings of every arm that got so far, the method under study first. */
export function shownIn({ arms, artifacts }: FigureInput): readonly Shown[] {
  return arms.flatMap((arm) => {
    const last = artifacts.filter((e) => e.name === "findings" && e.arm === arm.label).at(-1);
    return last ? [{ ...arm, findings: last.value as Findings }] : [];
  });
}

export function optionsOf({ task }: FigureInput): Options {
  return optionsSchema.parse(
    Object.fromEntries(Object.entries(task).filter(([key]) => key !== "name")),
  );
}

/** Over each panel's plot: what it was simulated with. Short, since a title wider than a plot would push its neighbour away. */
export function panelTitle({ panels }: Options, j: number): string {
  const { alpha = NaN, tau = NaN } = panels[j] ?? {};
  return `${j + 1}: alpha ${alpha}, tau ${tau}`;
}

/** The density at the middle of each bin; none for a panel that nothing fits. */
export function densityPoints(panel: PanelReport | undefined, options: Options) {
  if (panel?.alpha == null) return [];
  const { pmf } = panel;
  return centresOf(options).map((score, b) => ({
    score,
    density: item(pmf, b) / widthOf(options),
  }));
}

/** Dots in rows, a colour a panel: an axis from 0, and a row a name in the order given. */
export function dotEncoding(rows: readonly string[], title: string) {
  return {
    y: {
      field: "row",
      type: "nominal",
      sort: rows,
      title: null,
      axis: { grid: true, labelLimit: 0 },
    },
    x: { field: "value", type: "quantitative", title },
    color: { field: "panel", type: "nominal", sort: null },
  };
}

/** Width of one of `columns` plots side by side, without their axes. */
export function plotWidth({ width }: FigureInput, columns: number): number {
  return Math.floor(width / columns) - 44;
}

/** A legend's worth of names with a colour and a dash each. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly dash: readonly number[];
}

/** Encodings of colour and dash by the field `series`. */
export function seriesEncoding(series: readonly Series[]) {
  const domain = series.map(({ name }) => name);
  const field = { field: "series", type: "nominal" };
  return {
    color: { ...field, scale: { domain, range: series.map(({ colour }) => colour) } },
    strokeDash: { ...field, scale: { domain, range: series.map(({ dash }) => dash) } },
  };
}
