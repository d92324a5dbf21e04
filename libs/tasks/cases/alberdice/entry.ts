import { item } from "@fedclair/linalg";
import {
  asFields,
  asList,
  asNumber,
  type Fields,
  type Report,
  type Tolerance,
} from "@fedclair/core/cases";

/** What a field should hold: computed only if the case has it. */
export interface Expected {
  readonly got: unknown;
  /** Absolute. */
  readonly tolerance: number;
}

const comments = new Set(["note", "comment", "description", "name"]);

/**
 * Compares every field of a case that is not an input with what was computed; a field that is neither fails.
 * @param inputs names of the fields that the computation read
 * @param compute the result that belongs to a name, undefined if there is none
 */
export function compareFields(
  entry: Fields,
  inputs: readonly string[],
  compute: (field: string) => Expected | undefined,
  report: Report,
  prefix = "",
): void {
  for (const [field, expected] of Object.entries(entry)) {
    if (inputs.includes(field) || comments.has(field)) continue;
    const result = compute(field);
    const path = prefix + field;
    if (result === undefined) report.fail(path, "no such result of this kind of case");
    else compareValue(report, path, result.got, expected, absolute(result.tolerance));
  }
}

/** The same for results that are all at hand. */
export function compareResults(
  entry: Fields,
  inputs: readonly string[],
  results: Readonly<Record<string, Expected>>,
  report: Report,
  prefix = "",
): void {
  compareFields(entry, inputs, (field) => results[field], report, prefix);
}

function compareValue(
  report: Report,
  path: string,
  got: unknown,
  expected: unknown,
  tolerance: Tolerance,
): void {
  if (typeof expected === "boolean" || typeof expected === "string") {
    report.equal(path, got, expected);
  } else {
    report.near(path, got, expected, tolerance);
  }
}

export function absolute(tolerance: number): Tolerance {
  return { abs: tolerance, rel: 0 };
}

export function numbersOf(value: unknown, name: string): number[] {
  return asList(value, name).map((x, k) => asNumber(x, `${name}[${k}]`));
}

export function rowsOf(value: unknown, name: string): number[][] {
  return asList(value, name).map((row, k) => numbersOf(row, `${name}[${k}]`));
}

export function pairOf(value: unknown, name: string): readonly [number, number] {
  const [first = NaN, second = NaN] = numbersOf(value, name);
  return [first, second];
}

/** The entries of a section, each an object. */
export function entriesOf(value: unknown, name: string): Fields[] {
  return asList(value, name).map((entry, k) => asFields(entry, `${name}[${k}]`));
}

/** Rows of typed arrays as the nested arrays that cases hold. */
export function plain(rows: readonly ArrayLike<number>[]): number[][] {
  return rows.map((row) => Array.from(row));
}

/** A row-major table as nested arrays. */
export function tableOf(data: ArrayLike<number>, columns: number): number[][] {
  return Array.from({ length: data.length / columns }, (_, row) =>
    Array.from({ length: columns }, (_, column) => item(data, row * columns + column)),
  );
}

/** A table by joint action as nested arrays, a level an agent. @param counts of the agents' actions */
export function nestedOf(data: ArrayLike<number>, counts: readonly number[]): unknown[] {
  const [count = 1, ...inner] = counts;
  const part = data.length / count;
  return Array.from({ length: count }, (_, k) =>
    inner.length === 0
      ? item(data, k)
      : nestedOf(Array.from(data).slice(k * part, (k + 1) * part), inner),
  );
}
