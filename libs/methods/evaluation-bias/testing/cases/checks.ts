import { UserError } from "@fedclair/core";
import {
  asFields,
  isFields,
  asNumber,
  type Fields,
  type Report,
  type Tolerance,
} from "@fedclair/core/cases";
import { losses, type Loss } from "../../src/model/losses.js";

/** Runs one case: computes results from its fields and compares them with its expectations. */
export type Kind = (testCase: Fields, report: Report, tolerances: Fields) => void;

/** Results that a case may expect, by field name; each is computed only if a case expects it. */
export type Results = Readonly<Record<string, () => unknown>>;

/** Compares every expected field with the result of the same name, and objects field by field. */
export function compareAll(
  report: Report,
  expect: Fields,
  results: Results,
  toleranceOf: (field: string) => Tolerance,
  path = "",
): void {
  for (const [field, expected] of Object.entries(expect)) {
    const name = path + field;
    const result = results[field];
    if (result === undefined) {
      report.fail(name, "no such result of this kind of case");
      continue;
    }
    const got = result();
    if (isFields(expected) && isFields(got)) {
      const inner = Object.entries(got).map(([key, value]) => [key, () => value] as const);
      compareAll(report, expected, Object.fromEntries(inner), toleranceOf, `${name}.`);
    } else if (typeof expected === "string") report.equal(name, got, expected);
    else report.near(name, toComparable(got), expected, toleranceOf(field));
  }
}

/** Fails every unknown field, because the case might depend on it. */
export function failUnknownFields(
  report: Report,
  fields: Fields,
  known: readonly string[],
  path = "",
): void {
  for (const field of Object.keys(fields)) {
    if (!known.includes(field)) report.fail(path + field, "no such field of this kind of case");
  }
}

/**
 * Looks up a tolerance by the field's own name in the file's `tolerance`, or uses its `default`.
 */
export function createTolerances(tolerances: Fields): (field: string) => Tolerance {
  const fallback: Fields = { abs: 1e-7, rel: 1e-6 };
  return (field) => {
    const tolerance = tolerances[field] ?? tolerances.default ?? fallback;
    const { abs = 0, rel = 0 } = asFields(tolerance, `tolerance.${field}`);
    return { abs: asNumber(abs, "abs"), rel: asNumber(rel, "rel") };
  };
}

export function readLoss(value: unknown): Loss {
  const name = String(value);
  if (name in losses) return name as Loss;
  throw new UserError(`loss: expected ${Object.keys(losses).join(", ")}, got ${name}`);
}

/**
 * Converts typed arrays into arrays, and null, the result for a moment that diverges, into
 * infinity.
 */
function toComparable(value: unknown): unknown {
  if (value instanceof Float64Array) return [...value];
  return value === null ? Infinity : value;
}
