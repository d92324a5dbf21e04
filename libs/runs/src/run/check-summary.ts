import { isDeepStrictEqual } from "node:util";
import { join } from "node:path";
import { UserError } from "@fedclair/core/errors";
import { listArms, type PreparedTrial } from "@fedclair/core/internal";
import { Tally, type Summary } from "../measures/summary.js";
import { eachRecord } from "../store/record-chain.js";

/** The fields of a summary that follow from the records. */
const fields = ["name", "seed", "arms", "measures", "details", "hung", "failedAttacks"] as const;

/**
 * Compares the summary of a finished run with its records.
 * @param stored why arms have stopped is believed, because not all reasons are in records
 * @returns the number of records, and which of them is the last of the main arm, counted from 1
 * @throws UserError if the records have changed, or give another summary
 */
export async function checkSummary(
  folder: string,
  { trial, measures }: Pick<PreparedTrial, "trial" | "measures">,
  stored: Summary | undefined,
): Promise<{ readonly total: number; readonly final: number }> {
  const [main] = listArms(trial);
  const tally = new Tally(trial, measures.metrics ?? {});
  let [total, final] = [0, 0];
  for await (const record of eachRecord(folder, stored?.chain)) {
    tally.add(record);
    total++;
    if (record.arm === main.label) final = total;
  }
  for (const [arm, reason] of Object.entries(stored?.stopped ?? {})) tally.stop(arm, reason);
  const computed = toStored(tally.summary());
  const given = stored && toStored(stored);
  const field = fields.find((one) => !isDeepStrictEqual(given?.[one], computed[one]));
  if (field === undefined) return { total, final };
  throw new UserError(
    `'${join(folder, "summary.json")}': ${describeDifference(field, given, computed)}: the file has changed since the run wrote it`,
  );
}

/** Converts a summary to what is read of its file. */
function toStored(summary: Summary): Partial<Summary> {
  return JSON.parse(JSON.stringify(summary)) as Partial<Summary>;
}

function describeDifference(
  field: (typeof fields)[number],
  given: Partial<Summary> | undefined,
  computed: Partial<Summary>,
): string {
  const [had, has] = [given?.measures ?? {}, computed.measures ?? {}];
  const name = Object.keys({ ...had, ...has }).find((one) => had[one] !== has[one]);
  if (field !== "measures" || name === undefined)
    return `${field} differs from what the records give`;
  return `expected ${name} = ${has[name] ?? "nothing"}, as the records give, got ${had[name] ?? "nothing"}`;
}
