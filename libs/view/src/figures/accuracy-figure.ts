import { strokeLegend, type MetricInfo, type Metrics } from "@fedclair/core";
import { printable } from "@fedclair/core/internal";
import { mean, quantile } from "@fedclair/linalg";
import {
  clientEvaluations,
  formatNumber,
  sharedEvaluations,
  ownProperty,
  orderMetrics,
  valuesOf,
  type Run,
} from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { bandLines } from "./band-lines.js";
import { axisTicks, clockAxis, errorAxis, roundAxis } from "./axis.js";
import { armColours, createSpec, isNarrow } from "./figure-style.js";

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
 */
export function accuracyFigure(run: Run, figureWidth: number): TopLevelSpec | undefined {
  const rounds = evaluatedRounds(run);
  const names = new Set(
    rounds.flatMap(({ measured }) =>
      measured.flatMap(({ evaluations }) =>
        [...evaluations.values()].flatMap((metrics) => Object.keys(metrics)),
      ),
    ),
  );
  const isTimed = rounds.some(({ measured }) => measured.some(({ clock }) => clock !== undefined));
  const x = isTimed
    ? { field: "clock", ...clockAxis() }
    : { field: "round", ...roundAxis(rounds.map(({ round }) => round)) };
  const metrics = orderMetrics(names, run.description).slice(0, maxPanels);
  if (metrics.length === 0) return undefined;
  const values = metrics.flatMap((metric) => computeSpreads(run, rounds, metric));
  const labels = run.arms.map(({ label }) => label);
  const columns = Math.min(metrics.length, isNarrow(figureWidth) ? 1 : 3);
  const yOf = (metric: string) =>
    yAxis(
      metric,
      ownProperty(run.description.metrics, metric),
      values.filter((value) => value.metric === metric),
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

function yAxis(metric: string, info: MetricInfo | undefined, values: readonly Spread[]): object {
  const axis = errorAxis(
    info?.better,
    values.flatMap(({ low, mean: middle, high }) => [low, middle, high]),
  );
  const about = [info?.unit, info?.better && `${info.better} is better`].filter(Boolean).join(", ");
  const name = printable(metric, 60);
  return {
    type: "quantitative",
    title: about === "" ? name : `${name} (${about})`,
    scale: axis ? { type: axis.type, domain: axis.domain, nice: false } : { zero: false },
    ...(axis && { axis: axisTicks(axis) }),
  };
}

interface EvaluatedRound {
  readonly round: number;
  /** One entry per arm, in the order of arms. */
  readonly measured: readonly ArmEvaluation[];
}

interface ArmEvaluation {
  /** Empty if the arm has no such round or no client measured. */
  readonly evaluations: ReadonlyMap<string, Metrics>;
  readonly clock?: number | undefined;
}

/** The drawn rounds in which a client measured. */
function evaluatedRounds({ arms, drawn }: Run): EvaluatedRound[] {
  const places = new Map(arms.map(({ label }, i) => [label, i]));
  const rounds = new Map<number, ArmEvaluation[]>();
  for (const { arm, round, clients, clock } of drawn) {
    const place = places.get(arm);
    if (place === undefined) continue;
    const evaluations = clientEvaluations(clients);
    if (evaluations.size === 0) continue;
    const measured =
      rounds.get(round) ?? arms.map((): ArmEvaluation => ({ evaluations: new Map() }));
    measured[place] = { evaluations, clock };
    rounds.set(round, measured);
  }
  return [...rounds]
    .map(([round, measured]) => ({ round, measured }))
    .sort((a, b) => a.round - b.round);
}

interface Spread {
  readonly arm: string;
  readonly round: number;
  readonly clock?: number | undefined;
  readonly metric: string;
  readonly n: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** The text for a reader who points at it. */
  readonly about: string;
}

function computeSpreads(
  { arms }: Run,
  rounds: readonly EvaluatedRound[],
  metric: string,
): Spread[] {
  return rounds.flatMap(({ round, measured }) =>
    sharedEvaluations(
      measured.map(({ evaluations }) => evaluations),
      metric,
    ).flatMap((common, i): Spread[] => {
      const values = valuesOf(common, metric);
      const arm = arms[i]?.label;
      if (values.length === 0 || arm === undefined) return [];
      const spread = {
        mean: mean(values),
        low: quantile(values, 0.1),
        high: quantile(values, 0.9),
      };
      const about = `${arm}, round ${round}: ${formatNumber(spread.mean)}`;
      const clock = measured[i]?.clock;
      return [{ arm, round, clock, metric, n: values.length, ...spread, about }];
    }),
  );
}
