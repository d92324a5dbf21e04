/** Members of a group that do not fit the others. */
export interface Misfits {
  /** The reasons why, by name. */
  readonly faults: Map<string, string>;
  /** Groups of two or more misfits that have the same form. */
  readonly otherForms: readonly (readonly string[])[];
}

/**
 * Finds the members that differ from the most common form; among equally common forms, the first
 * one counts.
 * @param formOf returns the same text for members that fit one another
 * @param findFault describes why a member does not fit a usual one; undefined if it does
 */
export function findMisfits<T>(
  members: ReadonlyMap<string, T>,
  formOf: (member: T) => string,
  findFault: (member: T, usual: T) => string | undefined,
): Misfits {
  const byForm = new Map<string, string[]>();
  for (const [name, member] of members) {
    const form = formOf(member);
    byForm.set(form, [...(byForm.get(form) ?? []), name]);
  }
  const [largest = []] = [...byForm.values()].sort((x, y) => y.length - x.length);
  const usual = members.get(largest[0] ?? "");
  const faults = new Map<string, string>();
  for (const [name, member] of members) {
    const fault = usual && findFault(member, usual);
    if (fault !== undefined) faults.set(name, fault);
  }
  const others = [...byForm.values()].filter((names) => names !== largest && names.length > 1);
  return { faults, otherForms: others };
}
