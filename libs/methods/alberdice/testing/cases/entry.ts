import { item } from "@fedclair/linalg";
import {
  asFields,
  asList,
  asNumber,
  type Fields,
  type Report,
  type Tolerance,
} from "@fedclair/core/cases";

/** A computed result of a case, with its tolerance. */
export interface Expected {
  readonly got: unknown;
  /** Absolute tolerance. */
  readonly tolerance: number;
}

const comments = new Set(["note", "comment", "description", "name"]);

/**
 * Compares every field of a case that is not an input with its computed result. A field that is
 * neither input nor result fails.
 * @param inputs names of the fields that the computation read
 * @param compute returns the result for a name, undefined if there is none
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
    else compareValue(report, path, result.got, expected, createAbsolute(result.tolerance));
  }
}

/** Compares fields like `compareFields`, with results that are already computed. */
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

function createAbsolute(tolerance: number): Tolerance {
  return { abs: tolerance, rel: 0 };
}

export function readNumbers(value: unknown, name: string): number[] {
  return asList(value, name).map((x, k) => asNumber(x, `${name}[${k}]`));
}

export function readRows(value: unknown, name: string): number[][] {
  return asList(value, name).map((row, k) => readNumbers(row, `${name}[${k}]`));
}

export function readPair(value: unknown, name: string): readonly [number, number] {
  const [first = NaN, second = NaN] = readNumbers(value, name);
  return [first, second];
}

/** Returns the entries of a section, each an object. */
export function readEntries(value: unknown, name: string): Fields[] {
  return asList(value, name).map((entry, k) => asFields(entry, `${name}[${k}]`));
}

/** Converts rows of typed arrays into the nested arrays of cases. */
export function toNestedArrays(rows: readonly ArrayLike<number>[]): number[][] {
  return rows.map((row) => Array.from(row));
}

/** Converts a row-major table into nested arrays. */
export function toTable(data: ArrayLike<number>, columns: number): number[][] {
  return Array.from({ length: data.length / columns }, (_, row) =>
    Array.from({ length: columns }, (_, column) => item(data, row * columns + column)),
  );
}

/**
 * Converts a table by joint action into nested arrays, one level per agent.
 * @param counts of the agents' actions
 */
export function toNestedTable(data: ArrayLike<number>, counts: readonly number[]): unknown[] {
  const [count = 1, ...inner] = counts;
  const part = data.length / count;
  return Array.from({ length: count }, (_, k) =>
    inner.length === 0
      ? item(data, k)
      : toNestedTable(Array.from(data).slice(k * part, (k + 1) * part), inner),
  );
}
