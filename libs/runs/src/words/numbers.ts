/**
 * Finds the smallest value. Unlike `Math.min(...values)`, it accepts lists of any length.
 * @returns Infinity for an empty list
 */
export function minOf(values: readonly number[]): number {
  return values.reduce((low, value) => Math.min(low, value), Infinity);
}

/** Finds the largest value, like `minOf`. @returns -Infinity for an empty list */
export function maxOf(values: readonly number[]): number {
  return values.reduce((high, value) => Math.max(high, value), -Infinity);
}

/**
 * Is a measure within the range that a trial expects, bounds included? An absent measure is not.
 */
export function isInRange(
  value: number | undefined,
  {
    min = -Infinity,
    max = Infinity,
  }: { readonly min?: number | undefined; readonly max?: number | undefined },
): boolean {
  return value !== undefined && value >= min && value <= max;
}

/**
 * Formats a number for people: integers in full, others with three decimals, small ones with three
 * digits.
 */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  // Without separators `String` gives the same and is many times faster.
  if (Number.isInteger(value) && size < 1e15)
    return size < 1000 ? String(value) : value.toLocaleString("en-US");
  if (size < 1e-4 || size >= 1e6) return value.toExponential(2);
  return size < 0.01 ? value.toPrecision(3) : value.toFixed(3);
}

/** Formats a range of shares in per cent: `64–95 %`. */
export function formatShare(low: number, high: number): string {
  const percent = (share: number) => String(Number((100 * share).toPrecision(2)));
  return `${percent(low)}–${percent(high)} %`;
}

/**
 * Chooses the largest unit that is not above `largest`: `chooseUnit(3e6, byteUnits)` returns
 * megabytes.
 */
export function chooseUnit(largest: number, units: readonly Unit[]): Unit {
  const [smallest, ...larger] = units;
  if (!smallest) throw new RangeError("expected at least one unit");
  return larger.findLast(({ worth }) => largest >= worth) ?? smallest;
}

export interface Unit {
  readonly name: string;
  readonly worth: number;
}

/** Units of bytes, smallest first. */
export const byteUnits: readonly Unit[] = [
  { name: "B", worth: 1 },
  { name: "kB", worth: 1e3 },
  { name: "MB", worth: 1e6 },
  { name: "GB", worth: 1e9 },
];

/** Units of time in seconds, smallest first. */
export const timeUnits: readonly Unit[] = [
  { name: "ms", worth: 1e-3 },
  { name: "s", worth: 1 },
];

export function formatBytes(bytes: number): string {
  const { name, worth } = chooseUnit(bytes, byteUnits);
  return `${Number((bytes / worth).toPrecision(3))} ${name}`;
}

/** Formats a count with its noun, such as `1 round` or `2 rounds`. */
export function countNoun(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
