import {
  asFields,
  asList,
  asNumber,
  type Fields,
  type Report,
  type Tolerance,
} from "@fedclair/core/cases";

/** Tolerances of a file, by their names in the file. */
export interface Tolerances {
  readonly objective_rel: number;
  readonly degrees_rel: number;
  readonly S_rel_to_max: number;
  readonly delta_min_rel: number;
  readonly unit_abs: number;
}

/**
 * Reads the tolerances of a file.
 * @throws UserError if one is missing
 */
export function readTolerances(value: unknown): Tolerances {
  const fields = asFields(value, "tolerances");
  const of = (name: keyof Tolerances) => asNumber(fields[name], `tolerances.${name}`);
  return {
    objective_rel: of("objective_rel"),
    degrees_rel: of("degrees_rel"),
    S_rel_to_max: of("S_rel_to_max"),
    delta_min_rel: of("delta_min_rel"),
    unit_abs: of("unit_abs"),
  };
}

export function absolute(abs: number): Tolerance {
  return { abs, rel: 0 };
}

export function relative(rel: number): Tolerance {
  return { abs: 0, rel };
}

/** Fails unknown fields, which would otherwise pass unchecked. */
export function failUnknown(report: Report, unknown: Fields): void {
  for (const [field, value] of Object.entries(unknown)) {
    if (value !== undefined) report.fail(field, "no such field in this format");
  }
}

/**
 * Reads an array of numbers.
 * @throws UserError if it is something else
 */
export function readNumbers(value: unknown, name: string): number[] {
  return asList(value, name).map((x, i) => asNumber(x, `${name}[${i}]`));
}
