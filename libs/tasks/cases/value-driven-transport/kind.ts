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

/** How a kind of case is run. */
export interface Kind {
  /** The fields that it reads, beside `kind`, `expected` and `note`. */
  readonly fields: readonly string[];
  /** What it computes, in the form of `expected`: numbers, nested arrays, or objects of such. */
  run(testCase: Fields): unknown;
  /** A field of `expected` that is approximate by nature. */
  readonly loose?: string;
}

/** Tolerances of a file: of float64 results, and of those that are approximate by nature. */
export interface Tolerances {
  readonly exact: Tolerance;
  readonly loose: Tolerance;
}

/** A field that is not known is a failure: else a case could ask for what nobody checks. */
export async function runKind(
  kind: Kind,
  testCase: Fields,
  report: Report,
  tolerances: Tolerances,
): Promise<void> {
  const known = new Set(["kind", "expected", "note", ...kind.fields]);
  for (const field of Object.keys(testCase)) {
    if (!known.has(field)) report.fail(field, "no such field of this kind of case");
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

/** A required matrix. */
export function matrixIn(fields: Fields, name: string): Matrix {
  return jsonToMatrix(fields[name], name);
}

export function numberIn(fields: Fields, name: string): number {
  return asNumber(fields[name], name);
}

export function numbersIn(fields: Fields, name: string): number[] {
  return asList(fields[name], name).map((value, i) => asNumber(value, `${name}[${i}]`));
}

/** @throws UserError if two fields of a case contradict each other */
export function requireEqual(what: string, got: number, expected: number): void {
  if (got !== expected) throw new UserError(`${what}: expected ${expected}, got ${got}`);
}
