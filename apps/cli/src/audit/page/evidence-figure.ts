import {
  axisTicks,
  figureConfig,
  figureWidth,
  jitter,
  muted,
  truthColours,
  truthShapes,
  type Axis,
  type Drawing,
} from "@fedclair/report";
import { varyingSuffix } from "@fedclair/aggregators";
import { maxOf, minOf } from "@fedclair/runs";
import type { Audit } from "../audit-schema.js";
import { predictionLimit, shares } from "./expected.js";
import { createPiecePanels, type PiecePanel } from "./pieces.js";

/** Statuses with a score; benign is grey, as in all figures. */
const scoredStatuses = ["contaminated", "undecided", "benign"] as const;
const highlighted = ["contaminated", "undecided"];

/** Colour and shape by status, for a filled mark. */
export const statusEncoding: object = {
  color: { field: "status", type: "nominal", scale: truthColours(highlighted), legend: null },
  shape: { field: "status", type: "nominal", scale: truthShapes(highlighted), legend: null },
};

const varying =
  " What varies is the part of a change apart from the agreeing half's mean, which all changes have in common.";

/**
 * Draws one panel per piece of evidence, with a dot for each adapter and the expected range of a
 * benign one.
 */
export function evidenceFigure(audit: Audit): Drawing {
  const panels = createPiecePanels(audit);
  const isVarying = panels.some(({ title }) => title.includes(varyingSuffix));
  const benign = audit.adapters.filter(
    ({ status, score }) => status === "benign" && score !== null,
  ).length;
  const expected =
    benign < 2
      ? "Fewer than two adapters are benign, so the expected range of a benign adapter is not known."
      : `Shaded: the range of ${shares.map(({ share }) => share).join(" (dark) and ")} (light) of adapters like the ${benign} benign ones. ` +
        `It is Student's one-sided prediction interval for one more adapter, from their mean and deviation with ${benign - 1} degrees of freedom, ` +
        "and uses logarithms where the axis is logarithmic. The p-values are one-sided, too. The p-value of agreement also includes the share in the direction that the agreeing half has in common.";
  return {
    name: "evidence",
    title: "Evidence",
    caption: `Each dot is an adapter; point at it for its name and p-value. ${expected}${isVarying ? varying : ""}`,
    spec:
      panels.length === 0
        ? undefined
        : ({
            $schema: "https://vega.github.io/schema/vega-lite/v6.json",
            config: figureConfig,
            vconcat: panels.map(createPanelSpec),
            spacing: 12,
          } as NonNullable<Drawing["spec"]>),
  };
}

function createPanelSpec(panel: PiecePanel): object {
  const { points, title } = panel;
  const bands = computeBands(panel);
  const rows = scoredStatuses.filter((status) => points.some((point) => point.status === status));
  const axis = chooseAxis(panel, bands);
  const [low, high] = axis.domain;
  const x = {
    type: "quantitative",
    title,
    scale: { type: axis.type, domain: axis.domain, nice: false },
    axis: { grid: false, ...axisTicks(axis), labelOverlap: true },
  };
  // Each mark is a band over all rows, from a limit to the edge of the panel.
  const shaded = bands.map(({ limit, opacity }) => {
    const inside = Math.min(Math.max(limit, low), high);
    return {
      opacity,
      from: panel.bad === "high" ? low : inside,
      to: panel.bad === "high" ? inside : high,
    };
  });
  return {
    width: figureWidth - 120,
    height: { step: 40 },
    view: { stroke: muted, strokeWidth: 0.3 },
    layer: [
      {
        data: { values: shaded },
        mark: { type: "rect", color: "#888888" },
        encoding: {
          x: { ...x, field: "from" },
          x2: { field: "to" },
          y: { value: 0 },
          y2: { value: "height" },
          opacity: { field: "opacity", type: "quantitative", scale: null },
        },
      },
      {
        data: { values: points.map((point, i) => ({ ...point, jitter: jitter(i) })) },
        mark: { type: "point", filled: true, size: 42, opacity: 0.75, aria: true },
        encoding: {
          x: { ...x, field: "value" },
          y: {
            field: "status",
            type: "nominal",
            title: null,
            scale: { domain: rows },
            axis: { ticks: false, domain: false, grid: false },
          },
          yOffset: { field: "jitter", type: "quantitative", scale: { domain: [-2, 14] } },
          ...statusEncoding,
          description: { field: "about" },
        },
      },
    ],
  };
}

interface Band {
  readonly limit: number;
  readonly opacity: number;
}

/** Computes a band for each share; empty if fewer than two adapters are benign. */
function computeBands({ points, isLog, bad }: PiecePanel): Band[] {
  const own = points.filter(({ status }) => status === "benign").map(({ value }) => value);
  if (own.length < 2) return [];
  const values = isLog ? own.map((value) => Math.log(value)) : own;
  return shares.map(({ deviate }) => {
    const limit = predictionLimit(values, bad === "high" ? deviate : -deviate);
    return { limit: isLog ? Math.exp(limit) : limit, opacity: 0.16 };
  });
}

/** Chooses an axis that shows all points and the nearest limit. */
function chooseAxis({ points, isLog }: PiecePanel, bands: readonly Band[]): Axis {
  const values = points.map(({ value }) => value);
  const all = [...values, ...bands.slice(0, 1).map(({ limit }) => limit)];
  const [low, high] = [minOf(all), maxOf(all)];
  if (isLog) {
    const margin = Math.max((high / low) ** 0.04, 1.05);
    return { type: "log", domain: [low / margin, high * margin] };
  }
  const margin = Math.max((high - low) * 0.04, 0.01);
  return { type: "linear", domain: [low - margin, high + margin] };
}
