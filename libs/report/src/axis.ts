import type { MetricInfo } from "@fedclair/core";
import { maxOf, minOf } from "@fedclair/runs";

/** Where the values of an axis lie. */
export interface Axis {
  readonly type: "log" | "linear";
  readonly domain: readonly [number, number];
}

/** Rounds that fit below an axis, each with its number. */
const mostTicks = 12;

/** Where claims are about ratios, on a linear axis all but the worst method would lie on the ground. */
const logFrom = 10;

/** Logarithmic for what is better low and runs over more than a decade; undefined where a linear axis will do. */
export function errorAxis(
  better: MetricInfo["better"],
  values: readonly number[],
): Axis | undefined {
  const [low, high] = [minOf(values), maxOf(values)];
  if (better !== "lower" || low <= 0 || !(high / low > logFrom)) return undefined;
  return { type: "log", domain: [low / 1.2, high * 1.2] };
}

/** Ticks on whole rounds: each, where they are few. @param rounds in order */
export function roundAxis(rounds: readonly number[]): object {
  return {
    type: "quantitative",
    title: "round",
    axis: {
      grid: false,
      format: ",d",
      labelOverlap: true,
      ...(rounds.length <= mostTicks ? { values: rounds } : { tickMinStep: 1 }),
    },
    // Room for points beside the axis.
    scale: { nice: false, zero: false, padding: 6 },
  };
}

/** Simulated time, in seconds. */
export function clockAxis(): object {
  return {
    type: "quantitative",
    title: "simulated time (s)",
    axis: { grid: false, format: "~s", tickCount: 5 },
    scale: { nice: false, zero: true, padding: 6 },
  };
}

/** A few round numbers: powers of ten, and some between them where the axis is short. */
export function axisTicks({ type, domain: [low, high] }: Axis): object {
  if (type === "linear") return { tickCount: 4, format: "~g" };
  const first = Math.floor(Math.log10(low));
  const count = Math.ceil(Math.log10(high)) - first;
  const powers = Array.from({ length: count + 1 }, (_, i) => first + i);
  // Written as text first: 10 ** -3 is not quite 0.001.
  const times = (factor: number) => powers.map((power) => Number(`${factor}e${power}`));
  const factors = high / low > 1000 ? [1] : high / low > 10 ? [1, 2, 5] : [1, 1.5, 2, 3, 5, 7];
  const values = factors.flatMap(times);
  return {
    values: values.filter((x) => x >= low && x <= high).sort((a, b) => a - b),
    format: "~g",
  };
}
