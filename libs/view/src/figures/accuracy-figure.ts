import { strokeLegend } from "@fedclair/core";
import { mean, quantile } from "@fedclair/linalg";
import {
  formatNumber,
  metricsIn,
  ownProperty,
  orderMetrics,
  type ArmRecord,
  type TrialDescription,
} from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { bandLines } from "./band-lines.js";
import { clockAxis, metricAxis, roundAxis } from "./axis.js";
import { armColours, createSpec, isNarrow } from "./figure-style.js";
import { evaluatedRounds, sharedValues } from "./shared-values.js";

/**
 * Maximum number of panels in one figure, three in a row; the table of measures has all metrics.
 */
const maxPanels = 9;
/** Up to this number of rounds each one is marked with a point. */
const maxMarkedRounds = 12;

/**
 * One panel per metric: the mean and the 10–90 % range of the clients that measured it in every
 * arm, over rounds, or over simulated time if the run has it. With a single round, the arms stand
 * side by side. Undefined without evaluation.
 * @param arms the records of each that are drawn, by its label
 */
export function accuracyFigure(
  arms: ReadonlyMap<string, readonly ArmRecord[]>,
  description: TrialDescription,
  figureWidth: number,
): TopLevelSpec | undefined {
  const labels = [...arms.keys()];
  const rounds = evaluatedRounds(arms);
  const measured = rounds.flat();
  const names = new Set(measured.flatMap(({ evaluations }) => metricsIn(evaluations)));
  const x = measured.some(({ clock }) => clock !== undefined)
    ? { field: "clock", ...clockAxis() }
    : { field: "round", ...roundAxis(rounds.map(([first]) => first?.round ?? 0)) };
  const metrics = orderMetrics(names, description).slice(0, maxPanels);
  if (metrics.length === 0) return undefined;
  const values = metrics.flatMap((metric) => computeSpreads(rounds, metric));
  const columns = Math.min(metrics.length, isNarrow(figureWidth) ? 1 : 3);
  const yOf = (metric: string) =>
    metricAxis(
      metric,
      ownProperty(description.metrics, metric) ?? {},
      values
        .filter((value) => value.metric === metric)
        .flatMap(({ low, mean: middle, high }) => [low, middle, high]),
    );
  const panel = (metric: string) => ({
    transform: [{ filter: { field: "metric", equal: metric } }],
    width: Math.min(420, Math.floor(figureWidth / columns) - 64),
    height: 200,
    ...(rounds.length === 1
      ? singleRound(labels, yOf(metric))
      : overRounds(labels, x, yOf(metric), rounds.length)),
  });
  return createSpec({
    data: { values },
    concat: metrics.map(panel),
    columns,
  });
}

/**
 * A line and a band for each arm. Points lie exactly on their rounds; with an offset, one arm would
 * look earlier than another.
 */
function overRounds(labels: readonly string[], x: object, y: object, rounds: number): object {
  return {
    encoding: {
      x,
      color: colour(labels, strokeLegend),
    },
    layer: bandLines({
      series: "arm",
      labels,
      mean: "mean",
      y,
      point: rounds <= maxMarkedRounds && { size: 26, filled: true },
    }),
  };
}

/** A single round has no course over time: one column for each arm. */
function singleRound(labels: readonly string[], y: object): object {
  return {
    encoding: {
      x: {
        field: "arm",
        type: "nominal",
        title: null,
        scale: { domain: labels },
        axis: { labelAngle: -30, domain: false, ticks: false },
      },
      color: colour(labels, null),
    },
    layer: [
      {
        mark: { type: "rule", strokeWidth: 1.2, opacity: 0.7 },
        encoding: { y: { ...y, field: "low" }, y2: { field: "high" } },
      },
      {
        mark: { type: "point", size: 40, filled: true, opacity: 1 },
        encoding: { y: { ...y, field: "mean" }, description: { field: "about" } },
      },
    ],
  };
}

function colour(labels: readonly string[], legend: object | null): object {
  return { field: "arm", type: "nominal", scale: armColours(labels), legend };
}

/** The mean and the 10–90 % range of a metric, by round and arm. */
function computeSpreads(rounds: ReturnType<typeof evaluatedRounds>, metric: string) {
  return sharedValues(rounds, metric).map(({ method, round, clock, values }) => {
    const spread = {
      mean: mean(values),
      low: quantile(values, 0.1),
      high: quantile(values, 0.9),
    };
    const about = `${method}, round ${round}: ${formatNumber(spread.mean)}`;
    return { arm: method, round, clock, metric, n: values.length, ...spread, about };
  });
}
