import { asList, jsonToMatrix, asNumber, type Fields, type Report } from "@fedclair/core/cases";
import type { Matrix } from "@fedclair/linalg";
import type { Activation } from "../../src/kernels.js";
import type { Network } from "../../src/network.js";

/** The inputs and checks of one case. */
export interface CaseRun {
  /** Fields that are inputs of the computation. */
  readonly inputs: readonly string[];
  /** Checks of the other fields. */
  readonly checks: Readonly<Record<string, (expected: unknown, report: Report) => void>>;
}

/** Computes the checks of one entry of a section. */
export type Section = (entry: Fields) => CaseRun | Promise<CaseRun>;

/**
 * Runs the checks of one entry. Unknown fields fail, because otherwise a case could expect
 * something that is never checked.
 */
export async function runSection(section: Section, entry: Fields, report: Report): Promise<void> {
  const { inputs, checks } = await section(entry);
  for (const [field, expected] of Object.entries(entry)) {
    const check = checks[field];
    if (check) check(expected, report);
    else if (!inputs.includes(field)) report.fail(field, "no such field of this kind of case");
  }
}

/** Checks whether an optional field, which may be null in JSON, is present. */
export function isPresent(value: unknown): boolean {
  return value !== null && value !== undefined;
}

/**
 * Creates a check that a number, or nested arrays of numbers, is close. The report names it
 * `field`.
 */
export function checkNear(field: string, got: unknown, abs: number, rel = 0) {
  return (expected: unknown, report: Report): void => {
    report.near(field, got, expected, { abs, rel });
  };
}

export function checkEqual(field: string, got: unknown) {
  return (expected: unknown, report: Report): void => {
    report.equal(field, got, expected);
  };
}

/** Creates a check that a result is at most `limit`, whatever small number the reference has. */
export function checkAtMost(field: string, got: number, limit: number) {
  return (_: unknown, report: Report): void => {
    if (!(got <= limit)) report.fail(field, `got ${got}, expected at most ${limit}`);
  };
}

export function readActivation(value: unknown): Activation {
  if (value === "erf" || value === "relu") return value;
  throw new Error(`act: expected erf or relu, got ${JSON.stringify(value)}`);
}

export function readNumbers(value: unknown, name: string): Float64Array {
  return Float64Array.from(asList(value, name), (x) => asNumber(x, name));
}

/**
 * Reads a network from JSON.
 * @param hidden rows are neurons, as in the file
 */
export function readNetwork(hidden: unknown, out: unknown): Network {
  return { hidden: jsonToMatrix(hidden, "W").transpose(), out: readNumbers(out, "a") };
}

/** Creates the teacher of the paper: orthonormal neurons, outgoing weights `out`. */
export function createTeacher(hidden: Matrix, out = 1): Network {
  return { hidden, out: new Float64Array(hidden.cols).fill(out) };
}
