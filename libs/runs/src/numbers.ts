import { sum } from "@fedclair/linalg";

/** @returns NaN for no numbers */
export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** Of any number of values, which are more than a call can have arguments. @returns Infinity for none */
export function minOf(values: readonly number[]): number {
  return values.reduce((low, value) => Math.min(low, value), Infinity);
}

/** As `least`. @returns -Infinity for none */
export function maxOf(values: readonly number[]): number {
  return values.reduce((high, value) => Math.max(high, value), -Infinity);
}

/** Does a measure lie in the range that a trial expects, its ends included? One that is absent does not. */
export function isWithin(
  value: number | undefined,
  {
    min = -Infinity,
    max = Infinity,
  }: { readonly min?: number | undefined; readonly max?: number | undefined },
): boolean {
  return value !== undefined && value >= min && value <= max;
}

/** For people: three decimals, three digits of what is small, integers whole. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(2);
  return size < 0.01 ? value.toPrecision(3) : value.toFixed(3);
}

/** The largest unit of which `largest` is at least one, with its worth: `unitOf(3e6, byteUnits)` gives megabytes. */
export function chooseUnit(largest: number, units: readonly Unit[]): Unit {
  const [smallest, ...larger] = units;
  if (!smallest) throw new RangeError("expected at least one unit");
  return larger.findLast(({ worth }) => largest >= worth) ?? smallest;
}

export interface Unit {
  readonly name: string;
  readonly worth: number;
}

/** Smallest first. */
export const byteUnits: readonly Unit[] = [
  { name: "B", worth: 1 },
  { name: "kB", worth: 1e3 },
  { name: "MB", worth: 1e6 },
  { name: "GB", worth: 1e9 },
];

/** Smallest first, worth in seconds. */
export const timeUnits: readonly Unit[] = [
  { name: "ms", worth: 1e-3 },
  { name: "s", worth: 1 },
];

export function formatBytes(bytes: number): string {
  const { name, worth } = chooseUnit(bytes, byteUnits);
  return `${Number((bytes / worth).toPrecision(3))} ${name}`;
}

/** `1 round`, `2 rounds`. */
export function countNoun(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
