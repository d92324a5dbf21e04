import { formatNumber, meanInterval, type ArmRecord } from "@fedclair/runs";
import { strokeLegend } from "@fedclair/core";
import { mean } from "@fedclair/linalg";
import type { TopLevelSpec } from "vega-lite";
import { bandLines } from "./band-lines.js";
import { metricAxis, roundAxis } from "./axis.js";
import { armColours, createSpec, isNarrow } from "./figure-style.js";
import { groupBy } from "./group-by.js";
import { evaluatedRounds, sharedValues } from "./shared-values.js";

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
  const color = {
    field: "method",
    type: "nominal",
    scale: armColours(labels),
    legend: strokeLegend,
  };
  const columns = Math.min(drawn.length, isNarrow(figureWidth) ? 1 : 2);
  const panel = ({ metric, better }: CourseMetric) => {
    const own = means.filter((one) => one.metric === metric);
    const y = metricAxis(
      metric,
      { better },
      own.flatMap(({ low, value, high }) => [low, value, high]),
    );
    return {
      width: Math.min(560, Math.floor(figureWidth / columns) - 64),
      height: 240,
      encoding: { x: { field: "round", ...roundAxis(rounds) }, color },
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
            encoding: {
              y: { ...y, field: "value" },
              detail: { field: "seed" },
              description: { field: "about" },
            },
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

/** Means over the benign clients that measured in all methods of the run. */
function listSeedMeans({ seed, methods }: Course, metric: string) {
  return sharedValues(evaluatedRounds(methods), metric).map(({ method, round, values }) => {
    const value = mean(values);
    const about = `${method}, seed ${seed}, round ${round}: ${formatNumber(value)}`;
    return { metric, method, seed, round, value, about };
  });
}

/** Averages over the seeds that have the round. */
function averageSeeds(seeds: ReturnType<typeof listSeedMeans>) {
  const groups = groupBy(seeds, (one) => [one.metric, one.method, one.round]);
  return groups.map((group) => {
    const [{ metric, method, round }] = group;
    const { mean: value, interval } = meanInterval(group.map((one) => one.value));
    const { low = value, high = value } = interval ?? {};
    const about = `${method}, round ${round}: ${formatNumber(value)} [${formatNumber(low)}, ${formatNumber(high)}]`;
    return { metric, method, round, value, low, high, about };
  });
}
