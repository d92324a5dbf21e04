import type { MetricInfo } from "@fedclair/core";
import {
  excludesZero,
  formatSigned,
  meanInterval,
  pairedDifference,
  shareDifference,
  type Interval,
  type MeanEstimate,
} from "../measures/intervals.js";
import type { Measure } from "../measures/measure.js";
import {
  formatPlace,
  listStudies,
  methodPath,
  otherDimensions,
  type MeasuredGrid,
  type MeasuredStudy,
  type MeasuredTrial,
} from "./grid.js";
import { describedOnly, listTableMeasures, measureOf } from "./measures.js";
import { sumCounts } from "./table.js";

/** A paired comparison of two methods over the seeds that both have. */
export interface Difference {
  readonly measure: string;
  /** The values of the other dimensions, such as `label-flip`; empty if there are none. */
  readonly place: string;
  readonly method: string;
  readonly reference: string;
  /** The method's value minus the reference's: mean over seeds, or difference of two shares. */
  readonly mean: number;
  /** Student's interval of that mean, or Newcombe's if clients are counted. */
  readonly interval: Interval;
  /** Number of seeds, at least 2. */
  readonly n: number;
  readonly outcome: "better" | "worse" | "higher" | "lower" | "not distinguishable";
}

/**
 * Compares methods pairwise, seed by seed: in each study the main arm with every baseline; and
 * along the dimension of methods the first value with every other one. That dimension is
 * `aggregator` if it varies, and otherwise the columns or the rows. The intervals are those of
 * single comparisons: among twenty, about one excludes zero by chance.
 */
export function listDifferences(grid: MeasuredGrid): Difference[] {
  const studies = listStudies(grid);
  return [...compareAlong(grid, studies), ...studies.flatMap(compareArms)];
}

/** Compares the main arm of a study with its baselines, by the means of clients and coordinator. */
function compareArms({ at, trials }: MeasuredStudy): Difference[] {
  const gains = trials.flatMap(({ summary, measures }) => {
    const all = summary?.details.filter(({ comparison }) => comparison?.kind === "gainOver") ?? [];
    return describedOnly(all, measures);
  });
  return [...new Set(gains.map(({ name }) => name))].flatMap((name) => {
    const own = gains.filter((gain) => gain.name === name);
    const [first] = own;
    if (!first?.comparison) return [];
    const { arm = "", scope, metric, better, comparison } = first;
    const { mean, n, interval } = meanInterval(own.map(({ value }) => value));
    if (!interval) return [];
    const measure = scope === "global" ? `global.${metric}` : metric;
    const outcome = describeOutcome(mean, interval, better);
    const [method, reference] = [arm, comparison.arm];
    return [{ measure, place: formatPlace(at), method, reference, mean, interval, n, outcome }];
  });
}

/** Compares the first value of the dimension of methods with every other one. */
function compareAlong(grid: MeasuredGrid, studies: readonly MeasuredStudy[]): Difference[] {
  const along =
    otherDimensions(grid).find(({ path }) => path === methodPath) ?? grid.columns ?? grid.rows;
  const [first = "", ...others] = along?.labels ?? [];
  if (!along) return [];
  const rest = ({ at }: MeasuredStudy) => new Map([...at].filter(([path]) => path !== along.path));
  const measures = listTableMeasures(grid);
  return studies
    .filter(({ at }) => at.get(along.path) === first)
    .flatMap((study) => {
      const place = formatPlace(rest(study));
      return others.flatMap((other) => {
        const counterpart = studies.find(
          (one) => one.at.get(along.path) === other && formatPlace(rest(one)) === place,
        );
        return measures.flatMap(({ measure }): Difference[] => {
          const [mine, theirs] = [study, counterpart].map((one) =>
            valuesBySeed(one?.trials ?? [], measure),
          );
          if (!mine || !theirs) return [];
          const { mean, n, interval } = compareBySeed(mine, theirs) ?? {};
          const [some] = mine.values();
          if (!some || mean === undefined || n === undefined || n < 2 || !interval) return [];
          const outcome = describeOutcome(mean, interval, some.better);
          return [{ measure, place, method: first, reference: other, mean, interval, n, outcome }];
        });
      });
    });
}

/**
 * Compares a measure of two studies over the seeds that both have: as shares if it counts clients,
 * else seed by seed.
 * @returns undefined if they have no seed in common
 */
export function compareBySeed(
  mine: ReadonlyMap<number, Measure>,
  theirs: ReadonlyMap<number, Measure>,
): MeanEstimate | undefined {
  const pairs = [...mine].flatMap(([seed, own]) => {
    const other = theirs.get(seed);
    return other ? [[own, other] as const] : [];
  });
  if (pairs.length === 0) return undefined;
  const [one, other] = [0, 1].map((i) => sumCounts(pairs.map((pair) => pair[i as 0 | 1])));
  return one && other
    ? { n: pairs.length, ...shareDifference(one, other) }
    : pairedDifference(pairs.map(([own, reference]) => [own.value, reference.value]));
}

/** Finds a measure in each run of a study that has it. */
export function valuesBySeed(trials: readonly MeasuredTrial[], name: string) {
  return new Map(
    trials.flatMap((trial) => {
      const found = measureOf(trial, name);
      return found ? [[trial.seed, found] as const] : [];
    }),
  );
}

function describeOutcome(
  mean: number,
  interval: Interval,
  better: MetricInfo["better"],
): Difference["outcome"] {
  if (!excludesZero(interval)) return "not distinguishable";
  const isHigher = mean > 0;
  if (better === undefined) return isHigher ? "higher" : "lower";
  return isHigher === (better === "higher") ? "better" : "worse";
}

/** Formats a mean difference with its interval: `+0.031 [0.012, 0.050] (10)`. */
export function formatDifference(difference: Pick<Difference, "mean" | "interval" | "n">): string {
  return `${formatSigned(difference)} (${difference.n})`;
}
