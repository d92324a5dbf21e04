import { item } from "@fedclair/linalg";
import type { FigureInput } from "@fedclair/core";
import type { Findings } from "../coordinator.js";
import { listCentres, widthOf } from "../federation/grid.js";
import type { PanelReport } from "../panel-report.js";
import type { Evaluator } from "../model/interventions.js";
import { optionsSchema, type Options } from "../options.js";

export const grey = "#9a9a9a";
export const outlineInk = "#222222";

/** The findings of one arm. */
export interface ArmFindings {
  readonly label: string;
  readonly colour: string;
  readonly findings: Findings;
}

/** Lists the findings of every arm that has some, the main arm first. */
export function readFindings({ arms, artifacts }: FigureInput): readonly ArmFindings[] {
  return arms.flatMap((arm) => {
    const last = artifacts.filter((e) => e.name === "findings" && e.arm === arm.label).at(-1);
    return last ? [{ ...arm, findings: last.value as Findings }] : [];
  });
}

export function parseOptions({ task }: FigureInput): Options {
  return optionsSchema.parse(
    Object.fromEntries(Object.entries(task).filter(([key]) => key !== "name")),
  );
}

/** The panels that figures draw. */
export interface DrawnPanels {
  /** Titles, short because one that is wider than its plot would push the neighbour away. */
  readonly titles: readonly string[];
  /** The simulated parameters of each panel; empty for the user's own scores. */
  readonly simulated: readonly Evaluator[];
}

/** Lists the panels, with their simulated parameters or with the names that the data give them. */
export function listPanels(
  { panels, source }: Options,
  armFindings: readonly ArmFindings[],
): DrawnPanels {
  if (source) {
    const names = armFindings.find(({ findings }) => findings.names)?.findings.names ?? [];
    return { titles: names.map((name, j) => `${j + 1}: ${name}`), simulated: [] };
  }
  return {
    titles: panels.map(({ alpha, tau }, j) => `${j + 1}: alpha ${alpha}, tau ${tau}`),
    simulated: panels,
  };
}

/** Lists the density at the middle of each bin; empty for a panel without a fit. */
export function densityPoints(panel: PanelReport | undefined, options: Options) {
  if (panel?.alpha == null) return [];
  const { pmf } = panel;
  return listCentres(options).map((score, b) => ({
    score,
    density: item(pmf, b) / widthOf(options),
  }));
}

/**
 * Encodes dots in rows, one colour per panel, with one row per name in the given order and an axis
 * from 0.
 */
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

/** Computes the width of one of `columns` plots side by side, without their axes. */
export function plotWidth({ width }: FigureInput, columns: number): number {
  return Math.floor(width / columns) - 44;
}

/** A name with its colour and dash in a legend. */
export interface LegendEntry {
  readonly name: string;
  readonly colour: string;
  readonly dash: readonly number[];
}

/** Encodes colour and dash by the field `series`. */
export function seriesEncoding(series: readonly LegendEntry[]) {
  const domain = series.map(({ name }) => name);
  const field = { field: "series", type: "nominal" };
  return {
    color: { ...field, scale: { domain, range: series.map(({ colour }) => colour) } },
    strokeDash: { ...field, scale: { domain, range: series.map(({ dash }) => dash) } },
  };
}
