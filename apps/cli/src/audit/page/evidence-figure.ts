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
import { piecePanels, type PiecePanel } from "./pieces.js";

/** Those that are scored; the benign grey, as in all figures. */
const scoredStatuses = ["contaminated", "undecided", "benign"] as const;
const suspects = ["contaminated", "undecided"];

/** Colour and shape by status, for a filled mark. */
export const statusEncoding: object = {
  color: { field: "status", type: "nominal", scale: truthColours(suspects), legend: null },
  shape: { field: "status", type: "nominal", scale: truthShapes(suspects), legend: null },
};

const varying =
  " What varies is what a change has beside the agreeing half's mean, which all have in common.";

/** A dot an adapter over what a benign one is expected to have, a panel a piece of evidence. */
export function evidenceFigure(audit: Audit): Drawing {
  const panels = piecePanels(audit);
  const isVarying = panels.some(({ title }) => title.includes(varyingSuffix));
  const benign = audit.adapters.filter(
    ({ status, score }) => status === "benign" && score !== null,
  ).length;
  const expected =
    benign < 2
      ? "Fewer than two adapters are benign: what to expect of one is not known."
      : `Shaded: where ${shares.map(({ share }) => share).join(" (dark) and ")} (light) of adapters like the ${benign} benign ones lie, ` +
        `by Student's prediction of one more from their mean and deviation, ${benign - 1} degrees of freedom; one-sided, as the p-values are, ` +
        "and of logarithms where the axis is logarithmic. The p-value of agreement also counts the share in the direction that the agreeing half has in common.";
  return {
    name: "evidence",
    title: "Evidence",
    caption: `A dot is an adapter; point at it for name and p-value. ${expected}${isVarying ? varying : ""}`,
    spec:
      panels.length === 0
        ? undefined
        : ({
            $schema: "https://vega.github.io/schema/vega-lite/v6.json",
            config: figureConfig,
            vconcat: panels.map(panelSpec),
            spacing: 12,
          } as NonNullable<Drawing["spec"]>),
  };
}

function panelSpec(panel: PiecePanel): object {
  const { points, title } = panel;
  const bands = bandsOf(panel);
  const rows = scoredStatuses.filter((status) => points.some((point) => point.status === status));
  const axis = axisOf(panel, bands);
  const [low, high] = axis.domain;
  const x = {
    type: "quantitative",
    title,
    scale: { type: axis.type, domain: axis.domain, nice: false },
    axis: { grid: false, ...axisTicks(axis), labelOverlap: true },
  };
  // The mark is a band over the rows; the panel's edge is its other end.
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

/** Of each share; none where fewer than two are benign. */
function bandsOf({ points, isLog, bad }: PiecePanel): Band[] {
  const own = points.filter(({ status }) => status === "benign").map(({ value }) => value);
  if (own.length < 2) return [];
  const values = isLog ? own.map((value) => Math.log(value)) : own;
  return shares.map(({ deviate }) => {
    const limit = predictionLimit(values, bad === "high" ? deviate : -deviate);
    return { limit: isLog ? Math.exp(limit) : limit, opacity: 0.16 };
  });
}

/** All points are on it, and the nearest limit. */
function axisOf({ points, isLog }: PiecePanel, bands: readonly Band[]): Axis {
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
