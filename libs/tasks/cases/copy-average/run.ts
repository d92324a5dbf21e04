import { asList, jsonToMatrix, asNumber, type Fields, type Report } from "@fedclair/core/cases";
import type { Matrix } from "@fedclair/linalg";
import type { Activation } from "../../src/copy-average/kernels.js";
import type { Network } from "../../src/copy-average/network.js";

/** How the fields of one case are checked. */
export interface CaseRun {
  /** Fields that say what is computed. */
  readonly given: readonly string[];
  /** Checks of the other fields. */
  readonly checks: Readonly<Record<string, (expected: unknown, report: Report) => void>>;
}

/** What one entry of a section of the file computes. */
export type Section = (entry: Fields) => CaseRun | Promise<CaseRun>;

/** A field that is not known is a failure: else a case could ask for what nobody checks. */
export async function runSection(section: Section, entry: Fields, report: Report): Promise<void> {
  const { given, checks } = await section(entry);
  for (const [field, expected] of Object.entries(entry)) {
    const check = checks[field];
    if (check) check(expected, report);
    else if (!given.includes(field)) report.fail(field, "no such field of this kind of case");
  }
}

/** Of a field that JSON can say to be absent. */
export function isPresent(value: unknown): boolean {
  return value !== null && value !== undefined;
}

/** A check that a number, or nested arrays of numbers, is near. Named `field` in the report. */
export function near(field: string, got: unknown, abs: number, rel = 0) {
  return (expected: unknown, report: Report): void => {
    report.near(field, got, expected, { abs, rel });
  };
}

export function equal(field: string, got: unknown) {
  return (expected: unknown, report: Report): void => {
    report.equal(field, got, expected);
  };
}

/** A check that what was computed is at most `limit`, whatever small number the reference came to. */
export function atMost(field: string, got: number, limit: number) {
  return (_: unknown, report: Report): void => {
    if (!(got <= limit)) report.fail(field, `got ${got}, expected at most ${limit}`);
  };
}

export function activationOf(value: unknown): Activation {
  if (value === "erf" || value === "relu") return value;
  throw new Error(`act: expected erf or relu, got ${JSON.stringify(value)}`);
}

export function numbersOf(value: unknown, name: string): Float64Array {
  return Float64Array.from(asList(value, name), (x) => asNumber(x, name));
}

/** @param hidden rows are neurons, as the file writes them */
export function networkOfJson(hidden: unknown, out: unknown): Network {
  return { hidden: jsonToMatrix(hidden, "W").transpose(), out: numbersOf(out, "a") };
}

/** The teacher of which the paper speaks: orthonormal neurons, outgoing weights `out`. */
export function teacherOf(hidden: Matrix, out = 1): Network {
  return { hidden, out: new Float64Array(hidden.cols).fill(out) };
}
