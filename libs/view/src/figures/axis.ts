import type { MetricInfo } from "@fedclair/core";
import { maxOf, minOf } from "@fedclair/runs";

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

/** A few round numbers: powers of ten, with some between them if the axis is short. */
export function axisTicks({ type, domain: [low, high] }: Axis): object {
  if (type === "linear") return { tickCount: 4, format: "~g" };
  const first = Math.floor(Math.log10(low));
  const count = Math.ceil(Math.log10(high)) - first;
  const powers = Array.from({ length: count + 1 }, (_, i) => first + i);
  // Parsed from text, because 10 ** -3 is not exactly 0.001.
  const times = (factor: number) => powers.map((power) => Number(`${factor}e${power}`));
  const factors = high / low > 1000 ? [1] : high / low > 10 ? [1, 2, 5] : [1, 1.5, 2, 3, 5, 7];
  const values = factors.flatMap(times);
  return {
    values: values.filter((x) => x >= low && x <= high).sort((a, b) => a - b),
    format: "~g",
  };
}
