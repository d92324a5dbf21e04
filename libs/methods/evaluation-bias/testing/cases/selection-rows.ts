import { UserError } from "@fedclair/core";
import { asFields, asList, asNumber, type Fields, type Report } from "@fedclair/core/cases";
import type { SeatRule } from "../../src/model/selection.js";
import type { SelectionOutcome, SelectionSetting } from "../../src/model/selection.js";
import { compareAll, failUnknownFields, createTolerances } from "./checks.js";

const inputs = ["frac2", "c", "rule", "arg", "panel"];
const outputs = ["s1", "s2", "ratio", "share2", "utility", "opt"] as const;

/**
 * Checks the rows of a selection table.
 * @param compute one row, from its setting and its own fields
 */
export function runSelectionRows(
  rows: unknown,
  report: Report,
  tolerances: Fields,
  compute: (row: Fields) => SelectionOutcome,
): void {
  const tolerance = createTolerances(tolerances)("selection");
  asList(rows, "selection").forEach((entry, i) => {
    const row = asFields(entry, `selection[${i}]`);
    const path = `selection[${i}].`;
    failUnknownFields(report, row, [...inputs, ...outputs], path);
    const expected = Object.entries(row).filter(([field]) => !inputs.includes(field));
    const got = compute(row);
    const results = outputs.map((field) => [field, () => got[field]] as const);
    compareAll(
      report,
      Object.fromEntries(expected),
      Object.fromEntries(results),
      () => tolerance,
      path,
    );
  });
}

/**
 * Reads the setting of a selection.
 * @throws UserError if its rule is not a rule for seats
 */
export function readSetting({ frac2, c, rule, arg }: Fields): SelectionSetting {
  return {
    frac2: asNumber(frac2, "frac2"),
    c: asNumber(c, "c"),
    rule: seatRule(String(rule), arg),
  };
}

function seatRule(name: string, arg: unknown): SeatRule {
  if (name === "atleast") return { name, share: asNumber(arg, "arg") };
  if (name === "none" || name === "proportional" || name === "equal") return { name };
  throw new UserError(`rule: expected none, proportional, equal or atleast, got ${name}`);
}
