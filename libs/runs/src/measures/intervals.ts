import { createRequire } from "node:module";
import { mean } from "@fedclair/linalg";
import { formatNumber } from "../words/numbers.js";

/** A confidence interval of 95 %, bounds included. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The mean of independent values. */
export interface MeanEstimate {
  readonly mean: number;
  /** Number of values. */
  readonly n: number;
  /** Undefined for a single value, which has no spread. */
  readonly interval: Interval | undefined;
}

/** The quantile that leaves 2.5 % on either side of an interval of 95 %. */
const upper = 0.975;

/** The part of the package cephes that is used here; its `exports` hide its own types. */
interface Cephes {
  /** The quantile of Student's t distribution. @param k degrees of freedom @param p in (0, 1) */
  stdtri(k: number, p: number): number;
  /** The distribution function of Student's t. @param k degrees of freedom */
  stdtr(k: number, t: number): number;
  /** The distribution function of the standard normal distribution. */
  ndtr(x: number): number;
}

let cephes: Cephes | undefined;

/** Loads cephes when it is needed, because compiling its WebAssembly takes 60 ms. */
function loadCephes(): Cephes {
  return (cephes ??= createRequire(import.meta.url)("cephes") as Cephes);
}

/** The 97.5 % quantile of the standard normal distribution. */
const normalQuantile = 1.959963984540054;

/**
 * Estimates the mean of one value per seed. The interval is Student's: mean ± t · s / √n (Student
 * 1908, Biometrika 6:1). Here s is the standard deviation with n - 1 in the denominator, and t the
 * 97.5 % quantile of Student's t distribution with n - 1 degrees of freedom. It assumes that seeds
 * are independent and values roughly normal. Equal values give an interval without width.
 * @param values at least one
 */
export function meanInterval(values: readonly number[]): MeanEstimate {
  const n = values.length;
  if (n === 0) throw new RangeError("meanInterval: expected at least one value, got none");
  // The mean of equal values may differ from them in its last bit.
  const middle = values.every((value) => value === values[0]) ? (values[0] ?? NaN) : mean(values);
  if (n === 1) return { mean: middle, n, interval: undefined };
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (n - 1);
  const half = loadCephes().stdtri(n - 1, upper) * Math.sqrt(variance / n);
  return { mean: middle, n, interval: { low: middle - half, high: middle + half } };
}

/**
 * Formats a mean with half its interval and the number of values: `0.851 ± 0.012 (10)`. Both have
 * the same decimals unless the interval would seem to have no width.
 */
export function formatEstimate({ mean: middle, n, interval }: MeanEstimate): string {
  if (!interval) return formatNumber(middle);
  const half = (interval.high - interval.low) / 2;
  // The spread of equal values, apart from rounding errors.
  if (half <= 1e-12 * Math.abs(middle)) return `${formatNumber(middle)} ± 0 (${n})`;
  const text = half >= 0.001 && half < 0.01 ? half.toFixed(3) : formatNumber(half);
  return `${formatNumber(middle)} ± ${text} (${n})`;
}

/**
 * Formats a difference with its sign, and its interval if it has one, like
 * `-0.012 [-0.02, -0.004]`.
 */
export function formatSigned({
  mean: middle,
  interval,
}: Pick<MeanEstimate, "mean" | "interval">): string {
  const value = `${middle > 0 ? "+" : ""}${formatNumber(middle)}`;
  return interval
    ? `${value} [${formatNumber(interval.low)}, ${formatNumber(interval.high)}]`
    : value;
}

/**
 * Estimates how much larger the first of two paired values is: the mean and the Student interval of
 * the differences. Runs with the same seed share data, cohorts and initialisation, so their
 * difference varies less than either of them.
 * @param pairs [value, reference] of each seed
 */
export function pairedDifference(
  pairs: readonly (readonly [value: number, reference: number])[],
): MeanEstimate {
  return meanInterval(pairs.map(([value, reference]) => value - reference));
}

/**
 * The p-value of Student's paired test that the mean difference is 0. It is at most 0.05 exactly
 * if the interval of 95 % excludes zero. 1 for a single seed.
 */
export function pairedPValue({ mean: middle, n, interval }: MeanEstimate): number {
  if (!interval || middle === 0) return 1;
  const half = (interval.high - interval.low) / 2;
  if (half === 0) return 0;
  const t = (Math.abs(middle) / half) * loadCephes().stdtri(n - 1, upper);
  return 2 * loadCephes().stdtr(n - 1, -t);
}

/** The p-value of the test that two shares are equal, by the normal approximation. */
export function sharePValue(one: Counts, other: Counts): number {
  const pooled = (one.hits + other.hits) / (one.of + other.of);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / one.of + 1 / other.of));
  if (error === 0) return 1;
  return 2 * loadCephes().ndtr(-Math.abs(one.hits / one.of - other.hits / other.of) / error);
}

/**
 * Adjusts p-values for many comparisons (Holm 1979, Scandinavian Journal of Statistics 6:65). If
 * all that are at most 0.05 are called differences, one of them is wrong in at most 5 % of sweeps.
 */
export function adjustByHolm(values: readonly number[]): number[] {
  const ascending = values.map((p, i) => ({ p, i })).sort((a, b) => a.p - b.p);
  const adjusted = new Array<number>(values.length);
  let least = 0;
  for (const [rank, { p, i }] of ascending.entries()) {
    least = Math.max(least, Math.min(1, p * (values.length - rank)));
    adjusted[i] = least;
  }
  return adjusted;
}

/** Does the interval exclude zero? A difference whose interval includes zero may be chance. */
export function excludesZero({ low, high }: Interval): boolean {
  return low > 0 || high < 0;
}

/**
 * The interval of a share by Wilson's score (Wilson 1927, JASA 22:158), which stays within 0 and 1
 * and has a width for 0 and for all of a few. It assumes independent clients: if verdicts of one
 * run depend on each other, it is too narrow.
 * @param hits 0 … total
 * @param total at least 1
 */
export function wilsonInterval(hits: number, total: number): Interval {
  if (!(total >= 1 && hits >= 0 && hits <= total)) {
    throw new RangeError(
      `wilsonInterval: expected 0 ≤ hits ≤ total and a total of 1 or more, got ${hits} of ${total}`,
    );
  }
  const share = hits / total;
  const z2 = normalQuantile ** 2 / total;
  const middle = (share + z2 / 2) / (1 + z2);
  const half = Math.sqrt(z2 * share * (1 - share) + z2 ** 2 / 4) / (1 + z2);
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** Clients that were counted, and the interval of their share by `wilsonInterval`. */
export interface Counts extends Interval {
  readonly hits: number;
  readonly of: number;
}

/**
 * Estimates how much larger one share is than another, with Newcombe's interval (Newcombe 1998,
 * Statistics in Medicine 17:873, method 10). It combines the shares' own intervals, so that it has
 * a width where the shares of all seeds are equal.
 */
export function shareDifference(
  one: Counts,
  other: Counts,
): { readonly mean: number; readonly interval: Interval } {
  const [p, q] = [one.hits / one.of, other.hits / other.of];
  return {
    mean: p - q,
    interval: {
      low: p - q - Math.sqrt((p - one.low) ** 2 + (other.high - q) ** 2),
      high: p - q + Math.sqrt((one.high - p) ** 2 + (q - other.low) ** 2),
    },
  };
}
