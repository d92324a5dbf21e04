import { maxOf } from "@fedclair/runs";
import { axisTicks, type Axis } from "./axis.js";
import { mutedColour } from "@fedclair/core";
import { alarm, inkColour, isNarrow, jitter, truthColours, truthShapes } from "./figure-style.js";
import { groupBy } from "./group-by.js";
import type { ScorePoint } from "./score-points.js";
import { textWidth } from "./text-width.js";

/**
 * One panel per round, side by side.
 * @param attacks every attack among the points, in the order of legends
 * @param hasRowPerClient one row per client, with its name; otherwise one row per truth
 */
export function scorePanels(
  points: readonly ScorePoint[],
  attacks: readonly string[],
  axis: Axis,
  hasRowPerClient: boolean,
  figureWidth: number,
): object {
  const { type, domain } = axis;
  const middle = type === "log" ? Math.sqrt(domain[0] * domain[1]) : (domain[0] + domain[1]) / 2;
  const rows = hasRowPerClient ? clientsByTruth(points, attacks) : [...attacks, "benign"];
  const outliers = hasRowPerClient ? new Set<ScorePoint>() : findOutliers(points, axis);
  const values = points.map((point, i) => ({
    ...point,
    named: outliers.has(point) ? point.client : "",
    row: hasRowPerClient ? point.client : point.truth,
    at: point.score === null ? null : Math.max(point.score, domain[0]),
    right: (point.score ?? 0) > middle,
    jitter: jitter(i),
  }));
  const panels = [...new Set(values.map(({ panel }) => panel))];
  const spacing = 14;
  const longest = isNarrow(figureWidth) ? 100 : 190;
  const names = Math.min(longest, maxOf(rows.map((row) => textWidth(row, 11)))) + 20;
  const width = Math.floor((figureWidth - names - spacing * (panels.length - 1)) / panels.length);
  const x = {
    field: "at",
    type: "quantitative",
    title: "score",
    scale: { type, domain, nice: false, padding: 8 },
    axis: {
      grid: true,
      gridDash: [1, 3],
      ...axisTicks(axis),
      labelOverlap: true,
      labelSeparation: 4,
    },
  };
  const wrong = "datum.mistake !== '' && isValid(datum.at)";
  return {
    data: { values },
    facet: { column: { field: "panel", sort: panels } },
    spacing,
    // A point that sticks out of its panel must not push the next panel away.
    bounds: "flush",
    spec: {
      width: Math.min(width, 560),
      height: { step: hasRowPerClient ? 15 : 64 },
      encoding: {
        y: {
          field: "row",
          sort: rows,
          title: null,
          axis: { ticks: false, domain: false, grid: true, labelLimit: longest },
        },
      },
      layer: [
        {
          transform: [{ filter: "isValid(datum.threshold)" }],
          mark: { type: "rule", color: inkColour, strokeDash: [5, 3] },
          encoding: {
            x: { ...x, field: "threshold", aggregate: "min" },
            y: { value: 0 },
            y2: { value: "height" },
          },
        },
        {
          transform: [{ filter: "isValid(datum.at)" }],
          mark: { type: "point", size: 46, strokeWidth: 1.4, opacity: 1 },
          encoding: {
            x,
            ...offset(hasRowPerClient),
            ...truthEncoding(attacks),
            description: { field: "about" },
          },
        },
        {
          transform: [{ filter: "!isValid(datum.at)" }],
          mark: { type: "text", align: "left", dy: -6, fontSize: 9, color: mutedColour },
          encoding: { x: { value: 4 }, text: { field: "note" } },
        },
        {
          transform: [{ filter: wrong }],
          mark: {
            type: "point",
            shape: "circle",
            size: 190,
            color: alarm,
            strokeWidth: 2,
            aria: false,
          },
          encoding: {
            x,
            ...offset(hasRowPerClient),
            opacity: { value: hasRowPerClient ? 1 : 0.5 },
          },
        },
        ...(hasRowPerClient ? mistakeNames(x, wrong) : [outlierNames(x)]),
      ],
    },
  };
}

function offset(hasRowPerClient: boolean): object {
  return hasRowPerClient ? {} : { yOffset: { field: "jitter", type: "quantitative" } };
}

/** Colour and shape encode the truth, filling encodes the verdict. */
function truthEncoding(attacks: readonly string[]): object {
  const colours = { field: "truth", type: "nominal", scale: truthColours(attacks) };
  return {
    shape: { field: "truth", type: "nominal", scale: truthShapes(attacks) },
    stroke: colours,
    fill: colours,
    fillOpacity: { condition: { test: "datum.flagged", value: 1 }, value: 0 },
  };
}

/** Outliers named per group. */
const maxNamed = 4;
/** Names that are closer than this share of the axis would overlap. */
const minGap = 0.07;

/**
 * Finds the clients of each round and group that a reader looks for: the highest scores of benign
 * clients, and the lowest of all others. Wrong verdicts are among them.
 */
function findOutliers(points: readonly ScorePoint[], { type, domain }: Axis): Set<ScorePoint> {
  const place = (score: number) => {
    const [at, low, high] = [Math.max(score, domain[0]), ...domain].map((value) =>
      type === "log" ? Math.log(value) : value,
    ) as [number, number, number];
    return (at - low) / (high - low);
  };
  const scored = points.filter(({ score }) => score !== null);
  const outliers = groupBy(scored, ({ round, truth }) => [round, truth]).flatMap((group) => {
    const direction = group[0].truth === "benign" ? -1 : 1;
    const named: { readonly at: number; readonly point: ScorePoint }[] = [];
    for (const point of group.sort((a, b) => direction * ((a.score ?? 0) - (b.score ?? 0)))) {
      const at = place(point.score ?? 0);
      if (named.length < maxNamed && named.every((one) => Math.abs(one.at - at) > minGap))
        named.push({ at, point });
    }
    return named.map(({ point }) => point);
  });
  return new Set(outliers);
}

function outlierNames(x: object): object {
  return {
    transform: [{ filter: "datum.named !== '' && isValid(datum.at)" }],
    mark: { type: "text", dy: -9, fontSize: 9, color: inkColour },
    encoding: { x, ...offset(false), text: { field: "named" } },
  };
}

/** Labels next to the ring, on the side towards the middle, where there is room. */
function mistakeNames(x: object, wrong: string): object[] {
  return [false, true].map((right) => ({
    transform: [{ filter: `${wrong} && datum.right === ${right}` }],
    mark: {
      type: "text",
      align: right ? "right" : "left",
      dx: right ? -11 : 11,
      fontSize: 10,
      color: alarm,
    },
    encoding: { x, text: { field: "mistake" } },
  }));
}

/** Lists the clients of all rounds, contaminated ones first, then by name. Cohorts may differ. */
function clientsByTruth(points: readonly ScorePoint[], attacks: readonly string[]): string[] {
  const order = [...attacks, "benign"];
  const truths = new Map(points.map(({ client, truth }) => [client, order.indexOf(truth)]));
  return [...truths].sort(([a, i], [b, j]) => i - j || (a < b ? -1 : 1)).map(([client]) => client);
}
