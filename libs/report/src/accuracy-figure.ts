import { strokeLegend, type MetricInfo, type Metrics } from "@fedclair/core";
import { printable } from "@fedclair/core/internal";
import { quantile } from "@fedclair/linalg";
import {
  clientEvaluations,
  sharedEvaluations,
  mean,
  ownProperty,
  orderMetrics,
  valuesOf,
  type Run,
} from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { axisTicks, clockAxis, errorAxis, roundAxis } from "./axis.js";
import { armColours, armDashes, figureConfig, figureWidth } from "./figure-style.js";

/** Panels of one figure, three in a row; the measures have all metrics. */
const mostPanels = 9;
/** Up to so many rounds each is marked with a point. */
const mostPoints = 12;

/**
 * A panel a metric: the mean and the 10–90 % range of the clients that measured it under every method, over rounds, or over
 * simulated time where there is some; of a single round, method by method. Undefined without evaluation.
 */
export function accuracyFigure(run: Run): TopLevelSpec | undefined {
  const rounds = evaluatedRounds(run);
  const names = new Set(
    rounds.flatMap(({ methods }) =>
      methods.flatMap(({ own }) => [...own.values()].flatMap((metrics) => Object.keys(metrics))),
    ),
  );
  const isTimed = rounds.some(({ methods }) => methods.some(({ clock }) => clock !== undefined));
  const x = isTimed
    ? { field: "clock", ...clockAxis() }
    : { field: "round", ...roundAxis(rounds.map(({ round }) => round)) };
  const metrics = orderMetrics(names, run.description).slice(0, mostPanels);
  if (metrics.length === 0) return undefined;
  const values = metrics.flatMap((metric) => spreads(run, rounds, metric));
  const labels = run.arms.map(({ label }) => label);
  const columns = Math.min(metrics.length, 3);
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
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: figureConfig,
    data: { values },
    concat: metrics.map(panel),
    columns,
  } as TopLevelSpec;
}

/** A line and a band a method. Points lie on their rounds, never beside them: else one method would look earlier. */
function overRounds(labels: readonly string[], x: object, y: object, rounds: number): object {
  return {
    encoding: {
      x,
      color: colour(labels, strokeLegend),
    },
    layer: [
      {
        mark: { type: "area", opacity: 0.12 },
        encoding: { y: { ...y, field: "low" }, y2: { field: "high" } },
      },
      {
        mark: {
          type: "line",
          strokeWidth: 1.6,
          point: rounds <= mostPoints && { size: 26, filled: true },
        },
        encoding: {
          y: { ...y, field: "mean" },
          strokeDash: { field: "arm", type: "nominal", scale: armDashes(labels) },
        },
      },
    ],
  };
}

/** Nothing runs over time: a column a method. */
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
        encoding: { y: { ...y, field: "mean" } },
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
  /** In the order of arms. */
  readonly methods: readonly Evaluated[];
}

interface Evaluated {
  /** Empty where the method did not come so far, or nobody measured. */
  readonly own: ReadonlyMap<string, Metrics>;
  readonly clock?: number | undefined;
}

/** The rounds to draw in which somebody measured. */
function evaluatedRounds({ arms, drawn }: Run): EvaluatedRound[] {
  const places = new Map(arms.map(({ label }, i) => [label, i]));
  const rounds = new Map<number, Evaluated[]>();
  for (const { arm, round, clients, clock } of drawn) {
    const place = places.get(arm);
    if (place === undefined) continue;
    const evaluations = clientEvaluations(clients);
    if (evaluations.size === 0) continue;
    const methods = rounds.get(round) ?? arms.map((): Evaluated => ({ own: new Map() }));
    methods[place] = { own: evaluations, clock };
    rounds.set(round, methods);
  }
  return [...rounds]
    .map(([round, methods]) => ({ round, methods }))
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
}

function spreads({ arms }: Run, rounds: readonly EvaluatedRound[], metric: string): Spread[] {
  return rounds.flatMap(({ round, methods }) =>
    sharedEvaluations(
      methods.map(({ own }) => own),
      metric,
    ).flatMap((common, i): Spread[] => {
      const measured = valuesOf(common, metric);
      const arm = arms[i]?.label;
      if (measured.length === 0 || arm === undefined) return [];
      return [
        {
          ...{ arm, round, clock: methods[i]?.clock, metric },
          ...{ n: measured.length, mean: mean(measured) },
          ...{ low: quantile(measured, 0.1), high: quantile(measured, 0.9) },
        },
      ];
    }),
  );
}
