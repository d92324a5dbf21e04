import {
  asFields,
  asList,
  asNumber,
  type Fields,
  type Report,
  type Tolerance,
} from "@fedclair/core/cases";

/** How far results may be from a file's, by the names in the file. */
export interface Tolerances {
  readonly objective_rel: number;
  readonly degrees_rel: number;
  readonly S_rel_to_max: number;
  readonly delta_min_rel: number;
  readonly unit_abs: number;
}

/** @throws UserError for one that is missing */
export function tolerancesOf(value: unknown): Tolerances {
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

/** A field that nothing compares would otherwise pass unseen. */
export function failUnknown(report: Report, unknown: Fields): void {
  for (const [field, value] of Object.entries(unknown)) {
    if (value !== undefined) report.fail(field, "no such field in this format");
  }
}

/** @throws UserError unless it is an array of numbers */
export function numbersOf(value: unknown, name: string): number[] {
  return asList(value, name).map((x, i) => asNumber(x, `${name}[${i}]`));
}
