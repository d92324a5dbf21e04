import { mutedColour } from "@fedclair/core";
import {
  axisTicks,
  createSpec,
  isNarrow,
  jitter,
  truthColours,
  truthShapes,
  type Axis,
  type Drawing,
} from "@fedclair/view";
import { maxOf, minOf } from "@fedclair/runs";
import type { Audit } from "../audit-schema.js";
import { createPiecePanels, type PiecePanel } from "./pieces.js";

/** Statuses with a score; benign is grey, as in all figures. */
const scoredStatuses = ["contaminated", "undecided", "benign"] as const;
/** Statuses with a colour of their own, the same in all figures of a page. */
export const highlighted = ["contaminated", "undecided"];

/** Colour and shape by status, for a filled mark. */
export const statusEncoding: object = {
  color: { field: "status", type: "nominal", scale: truthColours(highlighted), legend: null },
  shape: { field: "status", type: "nominal", scale: truthShapes(highlighted), legend: null },
};

/** Draws one panel per piece of evidence, with a dot for each adapter. */
export function auditEvidenceFigure(audit: Audit): Drawing {
  const panels = createPiecePanels(audit);
  return {
    name: "evidence",
    title: "Evidence",
    caption:
      "Each dot is an adapter; point at it for its name. A piece counts in deviations from the adapters that agree.",
    draw: (width) => {
      const vconcat = panels.map((panel) => drawPanel(panel, width));
      return panels.length === 0 ? undefined : createSpec({ vconcat, spacing: 12 });
    },
  };
}

function drawPanel(panel: PiecePanel, width: number): object {
  const { points, title } = panel;
  const rows = scoredStatuses.filter((status) => points.some((point) => point.status === status));
  const axis = chooseAxis(panel);
  const x = {
    type: "quantitative",
    // The whole title would be wider than a phone.
    title: isNarrow(width) ? title.replace(/:.*/, "") : title,
    scale: { type: axis.type, domain: axis.domain, nice: false },
    axis: { grid: false, ...axisTicks(axis), labelOverlap: true },
  };
  return {
    width: width - 120,
    height: { step: 40 },
    view: { stroke: mutedColour, strokeWidth: 0.3 },
    layer: [
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

/** Chooses an axis that shows all points. */
function chooseAxis({ points }: PiecePanel): Axis {
  const all = points.map(({ value }) => value);
  const [low, high] = [minOf(all), maxOf(all)];
  // Where nobody has anything of it, one deviation is a scale that readers can compare.
  const margin = 0.04 * (high - low || 1);
  return { type: "linear", domain: [low - margin, (high === low ? high + 1 : high) + margin] };
}
