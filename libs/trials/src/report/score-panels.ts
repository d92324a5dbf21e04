import { alarm, faint, ink, muted, truthColours, truthShapes } from "./figure-style.js";
import { formatNumber } from "./numbers.js";
import type { ScoreAxis, ScorePoint } from "./score-points.js";

/** A row a client, a panel a round; points in the order of rows. @param width of all panels, in pixels */
export function clientScores(
  points: readonly ScorePoint[],
  attacks: readonly string[],
  { type, domain }: ScoreAxis,
  width: number,
): object {
  const rounds = [...new Set(points.map(({ round }) => round))];
  const clients = [...new Set(orderedByTruth(points, attacks).map(({ client }) => client))];
  const longest = Math.max(...clients.map((client) => client.length));
  const labels = Math.min(200, 30 + 6 * longest);
  const values = points.map((point) => ({
    ...point,
    panel: panelTitle(point),
    at: point.score === null ? null : Math.max(point.score, domain[0]),
  }));
  const x = {
    field: "at",
    type: "quantitative",
    title: "score",
    scale: { type, domain, nice: false },
  };
  const axis = { grid: true, gridDash: [1, 3], tickCount: 4, format: "~g", labelOverlap: true };
  const mistaken = { filter: "datum.mistake !== '' && isValid(datum.at)" };
  return {
    data: { values },
    facet: { column: { field: "panel", sort: [...new Set(values.map(({ panel }) => panel))] } },
    spacing: 14,
    spec: {
      width: Math.max(90, Math.floor((width - labels) / rounds.length) - 14),
      height: { step: clients.length > 40 ? 12 : 15 },
      encoding: {
        y: { field: "client", sort: clients, title: null, axis: { ticks: false, domain: false } },
      },
      layer: [
        {
          transform: [{ filter: "isValid(datum.threshold)" }],
          mark: { type: "rule", color: ink, strokeDash: [5, 3] },
          encoding: {
            x: { ...x, field: "threshold", aggregate: "min" },
            y: { value: 0 },
            y2: { value: "height" },
          },
        },
        {
          transform: [{ filter: "isValid(datum.at)" }],
          mark: { type: "point", size: 46, strokeWidth: 1.4, opacity: 1 },
          encoding: { x: { ...x, axis }, ...truthEncoding(attacks) },
        },
        {
          transform: [{ filter: "!isValid(datum.at)" }],
          mark: { type: "text", align: "left", fontSize: 9, color: muted },
          encoding: { x: { value: 4 }, text: { field: "note" } },
        },
        {
          transform: [mistaken],
          mark: {
            type: "point",
            shape: "circle",
            size: 190,
            color: alarm,
            strokeWidth: 2,
            opacity: 1,
          },
          encoding: { x },
        },
        ...(["missed", "false alarm"] as const).map((mistake) => ({
          transform: [mistaken, { filter: `datum.mistake === '${mistake}'` }],
          // Towards the threshold, where there is room.
          mark: {
            type: "text",
            align: mistake === "missed" ? "left" : "right",
            dx: mistake === "missed" ? 11 : -11,
            fontSize: 10,
            color: alarm,
          },
          encoding: { x, text: { value: mistake } },
        })),
      ],
    },
    resolve: { axis: { y: "shared" } },
  };
}

/** Truth by colour and shape, the verdict by filling. */
export function truthEncoding(attacks: readonly string[]): object {
  const colours = {
    field: "truth",
    type: "nominal",
    scale: truthColours(attacks),
    legend: { symbolFillColor: faint },
  };
  return {
    shape: { field: "truth", type: "nominal", scale: truthShapes(attacks) },
    stroke: colours,
    fill: colours,
    fillOpacity: { condition: { test: "datum.flagged", value: 1 }, value: 0 },
  };
}

function panelTitle({ round, threshold }: ScorePoint): string {
  return `round ${round} · ${threshold === null ? "no threshold" : `threshold ${formatNumber(threshold)}`}`;
}

/** Cohorts differ by round: the rows of all rounds, contaminated first. */
function orderedByTruth(points: readonly ScorePoint[], attacks: readonly string[]): ScorePoint[] {
  const rank = ({ truth }: ScorePoint) =>
    truth === "benign" ? attacks.length : attacks.indexOf(truth);
  return [...points].sort(
    (a, b) => rank(a) - rank(b) || (a.client < b.client ? -1 : a.client > b.client ? 1 : 0),
  );
}
