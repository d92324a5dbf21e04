import type { MetricInfo } from "@fedclair/core";
import { printable } from "@fedclair/core/internal";
import { maxOf, minOf } from "@fedclair/runs";
import { logTicks } from "./ticks.js";

/** Type and range of an axis. */
export interface Axis {
  readonly type: "log" | "linear";
  readonly domain: readonly [number, number];
}

/** Up to this number of rounds each one gets a tick with its number. */
const maxTicks = 12;

/**
 * Ratio of largest to smallest value from which an axis is logarithmic: claims compare ratios, and
 * on a linear axis all arms but the worst would lie near zero.
 */
const minLogRatio = 10;

/**
 * A logarithmic axis for metrics where lower is better and the values span more than a decade;
 * undefined if a linear axis is enough.
 */
export function errorAxis(
  better: MetricInfo["better"],
  values: readonly number[],
): Axis | undefined {
  const [low, high] = [minOf(values), maxOf(values)];
  if (better !== "lower" || low <= 0 || !(high / low > minLogRatio)) return undefined;
  return { type: "log", domain: [low / 1.2, high * 1.2] };
}

/** A vertical axis for the values of a metric. */
export function metricAxis(
  metric: string,
  { better, unit }: { readonly better?: MetricInfo["better"] | undefined; readonly unit?: string },
  values: readonly number[],
): object {
  const axis = errorAxis(better, values);
  const about = [unit, better && `${better} is better`].filter(Boolean).join(", ");
  const name = printable(metric, 60);
  return {
    type: "quantitative",
    title: about === "" ? name : `${name} (${about})`,
    scale: axis
      ? { type: axis.type, domain: axis.domain, nice: false, clamp: true }
      : { zero: false },
    ...(axis && { axis: axisTicks(axis) }),
  };
}

/**
 * An axis with ticks on whole rounds, one for each round if there are few.
 * @param rounds in order
 */
export function roundAxis(rounds: readonly number[]): object {
  return {
    type: "quantitative",
    title: "round",
    axis: {
      grid: false,
      format: ",d",
      labelOverlap: true,
      ...(rounds.length <= maxTicks ? { values: rounds } : { tickMinStep: 1 }),
    },
    // Room for points at the ends of the axis.
    scale: { nice: false, zero: false, padding: 6 },
  };
}

/** An axis of simulated time, in seconds. */
export function clockAxis(): object {
  return {
    type: "quantitative",
    title: "simulated time (s)",
    axis: { grid: false, format: "~s", tickCount: 5 },
    scale: { nice: false, zero: true, padding: 6 },
  };
}

/** A few round numbers. */
export function axisTicks({ type, domain: [low, high] }: Axis): object {
  return type === "linear"
    ? { tickCount: 4, format: "~g" }
    : { values: logTicks(low, high), format: "~g" };
}
