import { UserError } from "@fedclair/core";
import {
  isFields,
  asList,
  jsonToMatrix,
  asNumber,
  type Fields,
  type Report,
  type Tolerance,
} from "@fedclair/core/cases";
import type { Matrix } from "@fedclair/linalg";

/** A kind of case and its computation. */
export interface Kind {
  /** Fields that the kind reads, in addition to `kind`, `expected` and `note`. */
  readonly fields: readonly string[];
  /** Computes the results in the form of `expected`: numbers, nested arrays, or objects of them. */
  run(testCase: Fields): unknown;
  /** A field of `expected` that is only approximate. */
  readonly loose?: string;
}

/** Tolerances of a file for float64 results and for results that are only approximate. */
export interface Tolerances {
  readonly exact: Tolerance;
  readonly loose: Tolerance;
}

/**
 * Runs one case. Unknown fields fail, because otherwise a case could expect something that is never
 * checked.
 */
export async function runKind(
  kind: Kind,
  testCase: Fields,
  report: Report,
  tolerances: Tolerances,
): Promise<void> {
  const readFields = new Set(["kind", "expected", "note", ...kind.fields]);
  for (const field of Object.keys(testCase)) {
    if (!readFields.has(field)) report.fail(field, "no such field of this kind of case");
  }
  compare(
    await kind.run(testCase),
    testCase.expected,
    "expected",
    (field) => {
      const loose = kind.loose !== undefined && field.startsWith(`expected.${kind.loose}`);
      return loose ? tolerances.loose : tolerances.exact;
    },
    report,
  );
}

function compare(
  got: unknown,
  expected: unknown,
  field: string,
  toleranceOf: (field: string) => Tolerance,
  report: Report,
): void {
  if (!isFields(expected)) {
    report.near(field, got, expected, toleranceOf(field));
    return;
  }
  for (const [name, value] of Object.entries(expected)) {
    const part = isFields(got) ? got[name] : undefined;
    compare(part, value, `${field}.${name}`, toleranceOf, report);
  }
}

/** Reads a required matrix. */
export function readMatrix(fields: Fields, name: string): Matrix {
  return jsonToMatrix(fields[name], name);
}

export function readNumber(fields: Fields, name: string): number {
  return asNumber(fields[name], name);
}

export function readNumbers(fields: Fields, name: string): number[] {
  return asList(fields[name], name).map((value, i) => asNumber(value, `${name}[${i}]`));
}

/**
 * Requires equality.
 * @throws UserError if two fields of a case contradict each other
 */
export function requireEqual(what: string, got: number, expected: number): void {
  if (got !== expected) throw new UserError(`${what}: expected ${expected}, got ${got}`);
}
