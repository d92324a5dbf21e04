import type { ClientRecord, Trial } from "@fedclair/core/internal";
import type { ArmRecord } from "../src/arm-record.js";
import { noDescription, type TrialDescription } from "../src/description.js";
import { RunTally, type Run } from "../src/run.js";

/** A finished run of these records, as tests make one up. */
export function runOf(
  trial: Trial,
  records: readonly ArmRecord[],
  description: Partial<TrialDescription> = {},
  isFinished = true,
): Run {
  const known = { ...noDescription, ...description };
  const tally = new RunTally(trial, known);
  for (const record of records) tally.add(record);
  return {
    ...{ trial, description: known, ...tally.records(new Map(), isFinished), isFinished },
    ...{ timings: { drawn: [] }, artifacts: [] },
  };
}

/** A client's record. @param accuracy its evaluation, beside a loss of 1 */
export function clientOf(
  clientId: string,
  attack: string | null,
  verdict?: ClientRecord["verdict"],
  accuracy?: number,
): ClientRecord {
  return {
    ...{ clientId, attack, failure: null },
    ...(verdict && { verdict, score: 2, threshold: 3 }),
    ...(accuracy !== undefined && { evaluation: { loss: 1, accuracy } }),
  };
}

/** A client of which no answer came. */
export function lostClient(
  clientId: string,
  code: NonNullable<ClientRecord["failure"]>["code"] = "HOST_LOST",
): ClientRecord {
  return { clientId, attack: null, failure: { code, message: "no word" } };
}

export function recordOf(
  arm: string,
  round: number,
  ...clients: readonly ClientRecord[]
): ArmRecord {
  return { arm, round, phase: "train", clients, metrics: {}, bytes: { down: 10, up: 4 } };
}
