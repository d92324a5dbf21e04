import type { ClientRecord, Trial } from "@fedclair/core/internal";
import type { ArmRecord } from "../src/measures/arm-record.js";
import { noDescription, type TrialDescription } from "../src/measures/description.js";
import { RunTally, type Run } from "../src/run/read-run.js";

/** Creates a run from records, for tests. */
export function runOf(
  trial: Trial,
  records: readonly ArmRecord[],
  description: Partial<TrialDescription> = {},
  isFinished = true,
): Run {
  const fullDescription = { ...noDescription, ...description };
  const tally = new RunTally(trial, fullDescription);
  for (const record of records) tally.add(record);
  return {
    trial,
    description: fullDescription,
    ...tally.records(new Map(), isFinished),
    isFinished,
    timings: { drawn: [] },
    artifacts: [],
  };
}

/** Creates a client's record. @param accuracy part of its evaluation, together with a loss of 1 */
export function clientOf(
  clientId: string,
  attack: string | null,
  verdict?: ClientRecord["verdict"],
  accuracy?: number,
): ClientRecord {
  return {
    clientId,
    attack,
    failure: null,
    ...(verdict && { verdict, score: 2, threshold: 3 }),
    ...(accuracy !== undefined && { evaluation: { loss: 1, accuracy } }),
  };
}

/** Creates the record of a client whose answer never arrived. */
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
