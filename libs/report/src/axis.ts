/** Where the values of an axis lie. */
export interface Axis {
  readonly type: "log" | "linear";
  readonly domain: readonly [number, number];
}

/** Which end of a metric is the better one, by its name; undefined where the name does not tell. */
export function betterEnd(metric: string): "low" | "high" | undefined {
  if (/error|loss|mse|w2|distance/i.test(metric)) return "low";
  if (/accuracy|return/i.test(metric)) return "high";
  return undefined;
}

/** Where claims are about ratios, on a linear axis all but the worst method would lie on the ground. */
const logFrom = 10;

/** Logarithmic for an error that runs over more than a decade; undefined where a linear axis will do. */
export function errorAxis(metric: string, values: readonly number[]): Axis | undefined {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (betterEnd(metric) !== "low" || low <= 0 || !(high / low > logFrom)) return undefined;
  return { type: "log", domain: [low / 1.2, high * 1.2] };
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
