import {
  clientEvaluations,
  formatNumber,
  meanInterval,
  sharedEvaluations,
  valuesOf,
  type ArmRecord,
} from "@fedclair/runs";
import { strokeLegend } from "@fedclair/core";
import { printable } from "@fedclair/core/internal";
import { mean } from "@fedclair/linalg";
import type { TopLevelSpec } from "vega-lite";
import { bandLines } from "./band-lines.js";
import { axisTicks, errorAxis, roundAxis } from "./axis.js";
import { armColours, createSpec, isNarrow } from "./figure-style.js";

/** What one run measured over rounds. */
export interface Course {
  readonly seed: number;
  /** The records of each method that are drawn, in the order of rounds, by the method's name. */
  readonly methods: ReadonlyMap<string, readonly ArmRecord[]>;
}

/** A metric to draw, with its unit and direction. */
export interface CourseMetric {
  readonly metric: string;
  readonly better?: "higher" | "lower" | undefined;
}

/**
 * The benign clients over rounds, one panel per metric: for each method the mean over seeds with a
 * band of its 95 % interval, and each seed as a thin line. Undefined unless there are several
 * seeds and several rounds.
 */
export function courseFigure(
  courses: readonly Course[],
  metrics: readonly CourseMetric[],
  figureWidth: number,
): TopLevelSpec | undefined {
  const labels = [...new Set(courses.flatMap(({ methods }) => [...methods.keys()]))];
  const seeds = metrics.flatMap(({ metric }) =>
    courses.flatMap((course) => listSeedMeans(course, metric)),
  );
  const rounds = [...new Set(seeds.map(({ round }) => round))].sort((a, b) => a - b);
  if (rounds.length < 2 || new Set(seeds.map(({ seed }) => seed)).size < 2) return undefined;
  const means = averageSeeds(seeds);
  const drawn = metrics.filter(({ metric }) => means.some((one) => one.metric === metric));
  const colour = (legend: object | null) => ({
    field: "method",
    type: "nominal",
    scale: armColours(labels),
    legend,
  });
  const columns = Math.min(drawn.length, isNarrow(figureWidth) ? 1 : 2);
  const panel = ({ metric, better }: CourseMetric) => {
    const own = means.filter((one) => one.metric === metric);
    const axis = errorAxis(
      better,
      own.flatMap(({ low, value, high }) => [low, value, high]),
    );
    const y = {
      field: "value",
      type: "quantitative",
      title: printable(metric, 60) + (better === undefined ? "" : ` (${better} is better)`),
      scale: axis
        ? { type: axis.type, domain: axis.domain, nice: false, clamp: true }
        : { zero: false },
      ...(axis && { axis: axisTicks(axis) }),
    };
    return {
      width: Math.min(560, Math.floor(figureWidth / columns) - 64),
      height: 240,
      encoding: { x: { field: "round", ...roundAxis(rounds) }, color: colour(strokeLegend) },
      layer: bandLines({
        series: "method",
        labels,
        mean: "value",
        y,
        data: { data: { values: own } },
        between: [
          {
            data: { values: seeds.filter((one) => one.metric === metric) },
            mark: { type: "line", strokeWidth: 0.6, opacity: 0.45 },
            encoding: { y, detail: { field: "seed" }, description: { field: "about" } },
          },
        ],
      }),
    };
  };
  return createSpec({
    concat: drawn.map(panel),
    columns,
  });
}

interface SeedMean {
  readonly metric: string;
  readonly method: string;
  readonly seed: number;
  readonly round: number;
  readonly value: number;
  readonly about: string;
}

/** Means over the benign clients that measured in all methods of the run. */
function listSeedMeans({ seed, methods }: Course, metric: string): SeedMean[] {
  const labels = [...methods.keys()];
  const byRound = new Map<number, Map<string, ReturnType<typeof clientEvaluations>>>();
  for (const [method, records] of methods) {
    for (const { round, clients } of records) {
      const evaluations = clientEvaluations(clients);
      if (evaluations.size === 0) continue;
      const own = byRound.get(round) ?? new Map<string, typeof evaluations>();
      byRound.set(round, own.set(method, evaluations));
    }
  }
  return [...byRound].flatMap(([round, own]) =>
    sharedEvaluations(
      labels.map((label) => own.get(label) ?? new Map<string, never>()),
      metric,
    ).flatMap((common, i): SeedMean[] => {
      const values = valuesOf(common, metric);
      return values.length === 0
        ? []
        : [describe({ metric, method: labels[i] ?? "", seed, round, value: mean(values) })];
    }),
  );
}

function describe(one: Omit<SeedMean, "about">): SeedMean {
  const { method, seed, round, value } = one;
  return { ...one, about: `${method}, seed ${seed}, round ${round}: ${formatNumber(value)}` };
}

/** Averages over the seeds that have the round. */
function averageSeeds(seeds: readonly SeedMean[]) {
  const groups = new Map<string, [SeedMean, ...SeedMean[]]>();
  for (const one of seeds) {
    const key = JSON.stringify([one.metric, one.method, one.round]);
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return [...groups.values()].map((group) => {
    const [{ metric, method, round }] = group;
    const { mean: value, interval } = meanInterval(group.map((one) => one.value));
    const { low = value, high = value } = interval ?? {};
    const about = `${method}, round ${round}: ${formatNumber(value)} [${formatNumber(low)}, ${formatNumber(high)}]`;
    return { metric, method, round, value, low, high, about };
  });
}
