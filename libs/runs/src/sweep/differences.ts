import type { MetricInfo } from "@fedclair/core";
import {
  adjustByHolm,
  excludesZero,
  formatSigned,
  meanInterval,
  pairedDifference,
  pairedPValue,
  shareDifference,
  sharePValue,
  type Interval,
  type MeanEstimate,
} from "../measures/intervals.js";
import type { Measure } from "../measures/measure.js";
import {
  findMethods,
  listArmContests,
  listContests,
  nameMeasure,
  type Contest,
  type Contestant,
} from "./contests.js";
import { formatPlace, listStudies, type MeasuredGrid, type MeasuredStudy } from "./grid.js";
import { describedOnly } from "./measures.js";
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
  /** Holm's adjusted p-value over all differences of the measure, if the sweep asks for it. */
  readonly p?: number;
  readonly outcome: "better" | "worse" | "higher" | "lower" | "not distinguishable";
}

/** A difference that may still be corrected for many comparisons. */
interface Compared {
  readonly about: Pick<Difference, "measure" | "place" | "method" | "reference">;
  readonly estimate: Pick<Difference, "mean" | "interval" | "n">;
  readonly p: number;
  readonly better: MetricInfo["better"];
}

/**
 * Compares methods pairwise, seed by seed, under the same conditions. If aggregators vary, all of
 * them are compared with each other, and in each study the main arm with every baseline. Otherwise
 * all arms of a study are compared, and the first column (or row) with every other one. Without a
 * correction the intervals are those of single comparisons: among twenty, about one excludes zero
 * by chance.
 */
export function listDifferences(grid: MeasuredGrid): Difference[] {
  const rules = findMethods(grid);
  const along = listContests(grid, rules ?? grid.columns ?? grid.rows).map(
    ({ methods, ...contest }): Contest => {
      return { ...contest, methods: methods.filter(({ bySeed }) => bySeed.size > 0) };
    },
  );
  const arms = rules
    ? []
    : listArmContests(grid).map(({ methods, ...contest }) => {
        return { ...contest, methods: methods.slice(1) };
      });
  const all = [
    ...comparePairs(along, rules ? Infinity : 1),
    ...listStudies(grid).flatMap(compareWithBaselines),
    ...comparePairs(arms, Infinity),
  ];
  const holm = grid.correction === "holm" ? adjustPerMeasure(all) : undefined;
  return all.map(({ about, estimate, better }, i): Difference => {
    const p = holm?.[i];
    const isClear = p === undefined ? excludesZero(estimate.interval) : p <= 0.05;
    const outcome = isClear ? describeOutcome(estimate.mean, better) : "not distinguishable";
    return { ...about, ...estimate, ...(p !== undefined && { p }), outcome };
  });
}

/** Compares the main arm of a study with its baselines, by the means of clients and coordinator. */
function compareWithBaselines({ at, trials }: MeasuredStudy): Compared[] {
  const gains = trials.flatMap(({ summary, measures }) => {
    const all = summary?.details.filter(({ comparison }) => comparison?.kind === "gainOver") ?? [];
    return describedOnly(all, measures);
  });
  return [...new Set(gains.map(({ name }) => name))].flatMap((name) => {
    const own = gains.filter((gain) => gain.name === name);
    const [first] = own;
    if (!first?.comparison) return [];
    const { arm = "", better, comparison } = first;
    const estimate = meanInterval(own.map(({ value }) => value));
    const { mean, n, interval } = estimate;
    if (!interval) return [];
    const [method, reference] = [arm, comparison.arm];
    const about = { measure: nameMeasure(first), place: formatPlace(at), method, reference };
    return [{ about, estimate: { mean, interval, n }, p: pairedPValue(estimate), better }];
  });
}

/**
 * Compares the first methods of each contest with all after them, contest by contest within a
 * place.
 * @param firsts the number of methods that are compared with others
 */
function comparePairs(contests: readonly Contest[], firsts: number): Compared[] {
  const places = [...new Set(contests.map(({ place }) => place))];
  return places.flatMap((place) => {
    const own = contests.filter((contest) => contest.place === place);
    const names = [...new Set(own.flatMap(({ methods }) => methods.map(({ name }) => name)))];
    return names.slice(0, firsts).flatMap((method, i) =>
      names.slice(i + 1).flatMap((reference) =>
        own.flatMap(({ measure, methods }): Compared[] => {
          const [mine, theirs] = [method, reference].map((name) =>
            methods.find((one) => one.name === name),
          );
          const compared = mine && theirs && compareMethods(mine, theirs);
          const about = { measure, place, method, reference };
          return compared ? [{ about, ...compared }] : [];
        }),
      ),
    );
  });
}

function compareMethods({ bySeed: mine }: Contestant, { bySeed: theirs }: Contestant) {
  const { mean, n, interval, p } = compareBySeed(mine, theirs) ?? {};
  const [some] = mine.values();
  if (!some || mean === undefined || n === undefined || n < 2 || !interval) return undefined;
  return { estimate: { mean, interval, n }, p: p ?? 1, better: some.better };
}

/**
 * Compares a measure of two studies over the seeds that both have: as shares if it counts clients,
 * else seed by seed.
 * @returns with the p-value of no difference; undefined if they have no seed in common
 */
export function compareBySeed(
  mine: ReadonlyMap<number, Measure>,
  theirs: ReadonlyMap<number, Measure>,
): (MeanEstimate & { readonly p: number }) | undefined {
  const pairs = [...mine].flatMap(([seed, own]) => {
    const other = theirs.get(seed);
    return other ? [[own, other] as const] : [];
  });
  if (pairs.length === 0) return undefined;
  const [one, other] = [0, 1].map((i) => sumCounts(pairs.map((pair) => pair[i as 0 | 1])));
  if (one && other)
    return { n: pairs.length, ...shareDifference(one, other), p: sharePValue(one, other) };
  const estimate = pairedDifference(pairs.map(([own, reference]) => [own.value, reference.value]));
  return { ...estimate, p: pairedPValue(estimate) };
}

/** Adjusts the p-values of each measure by Holm, in the order of the differences. */
function adjustPerMeasure(all: readonly Compared[]): number[] {
  const adjusted = new Map<Compared, number>();
  for (const name of new Set(all.map(({ about }) => about.measure))) {
    const own = all.filter(({ about }) => about.measure === name);
    const values = adjustByHolm(own.map(({ p }) => p));
    for (const [i, one] of own.entries()) adjusted.set(one, values[i] ?? 1);
  }
  return all.map((one) => adjusted.get(one) ?? 1);
}

function describeOutcome(mean: number, better: MetricInfo["better"]): Difference["outcome"] {
  const isHigher = mean > 0;
  if (better === undefined) return isHigher ? "higher" : "lower";
  return isHigher === (better === "higher") ? "better" : "worse";
}

/** Formats a mean difference with its interval: `+0.031 [0.012, 0.050] (10)`. */
export function formatDifference(difference: Pick<Difference, "mean" | "interval" | "n">): string {
  return `${formatSigned(difference)} (${difference.n})`;
}
