import type { FigureInput, TaskFigure } from "@fedclair/core";
import type { ClientArtifact } from "./artifacts.js";

const panels = [
  { name: "aggregator", title: "aggregator's score" },
  { name: "linearPart", title: "linear part" },
  { name: "functionDistance", title: "function distance" },
] as const;

/** Smaller shares are drawn at this value, so that rounding errors do not stretch the axis. */
const smallestShare = 1e-3;
const ticks = [1e-3, 1e-2, 0.1, 1, 10, 100, 1000, 1e4, 1e5, 1e6];

/** Draws the evidence about each client in the first round, each kind as a share of its limit. */
export function evidenceFigure(
  { width }: FigureInput,
  clients: readonly ClientArtifact[],
): TaskFigure {
  const values = clients.flatMap(({ id, flagged, evidence }) =>
    panels.flatMap(({ name }) => {
      const share = evidence[name];
      if (share === null) return [];
      const verdict = flagged ? "contaminated" : "benign";
      return [
        {
          client: id,
          verdict,
          name,
          share: Math.max(share, smallestShare),
          below: share < smallestShare,
        },
      ];
    }),
  );
  const usedPanels = panels.filter(({ name }) => values.some((value) => value.name === name));
  const largestShare = 2 * Math.max(5, ...values.map(({ share }) => share));
  const panelWidth = Math.floor((width - 60) / usedPanels.length) - 40;
  const below = values.some((value) => value.below) ? ` Triangles: below ${smallestShare}.` : "";
  return {
    name: "evidence",
    title: "Evidence about clients",
    caption: `Each kind of evidence as a share of its limit (dashed), first round: the score of the aggregator, the deviation of the linear part of the student's function, and the median distance of its function from the others'. A student of the negated teacher lies in the subspace of the benign students, so only the last two detect it.${below}`,
    spec: {
      hconcat: usedPanels.map(({ name, title }, i) => ({
        width: Math.min(panelWidth, 240),
        height: { step: 13 },
        data: { values: values.filter((value) => value.name === name) },
        layer: [
          {
            data: { values: [{}] },
            mark: { type: "rule", strokeDash: [4, 3], color: "#777777" },
            encoding: { x: { datum: 1 } },
          },
          {
            mark: { type: "point", filled: true, size: 42, opacity: 1 },
            encoding: {
              x: {
                field: "share",
                type: "quantitative",
                title,
                scale: { type: "log", domain: [smallestShare, largestShare], nice: false },
                axis: { format: "~g", values: ticks, grid: false },
              },
              y: {
                field: "client",
                type: "nominal",
                title: null,
                axis: i === 0 ? { grid: true } : { grid: true, labels: false, ticks: false },
              },
              shape: {
                field: "below",
                type: "nominal",
                scale: { domain: [false, true], range: ["circle", "triangle-left"] },
                legend: null,
              },
              color: {
                field: "verdict",
                type: "nominal",
                scale: { domain: ["benign", "contaminated"], range: ["#777777", "#d55e00"] },
              },
            },
          },
        ],
      })),
    },
  };
}
