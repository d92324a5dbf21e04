import { UserError } from "@fedclair/core";
import type { Trial } from "@fedclair/core/internal";
import {
  checkRecords,
  eachRecord,
  listRunFaults,
  readRun,
  type ArmRecord,
  type RunStatus,
  type Summary,
} from "@fedclair/runs";
import { eachRound } from "../results/rounds.js";
import {
  createClientRows,
  createRoundRow,
  type ClientRow,
  type RoundRow,
} from "../results/rows.js";
import { requireRun } from "../results/show.js";

/** A run in its folder, finished or not. */
export interface OpenedRun {
  readonly folder: string;
  readonly status: RunStatus;
  /** The trial with every default filled in. */
  readonly trial: Trial;
  /** The results as numbers; of an unfinished run, those of the rounds so far. */
  readonly summary: Summary;
  /** What the numbers do not show: lost clients, and arms that could not go on. */
  readonly faults: readonly UserError[];
  /** Reads the rounds: a row per round and arm. */
  readonly rounds: () => AsyncIterable<RoundRow>;
  /** Reads the clients: a row per client, round and arm. */
  readonly clients: () => AsyncIterable<ClientRow>;
  /** Reads the records, which have all that is known about a round. */
  readonly records: () => AsyncIterable<ArmRecord>;
}

/**
 * Opens the run in a folder.
 * @throws UserError if the folder holds no run, or if its records have changed since it ended
 */
export async function openRun(folder: string): Promise<OpenedRun> {
  const { status, trial, summary: written } = await requireRun(folder);
  if (written) await checkRecords(folder, { link: written.chain });
  const summary = written ?? (await readRun(folder)).summary;
  return {
    folder,
    status,
    trial,
    summary,
    faults: listRunFaults(trial, summary),
    rounds: async function* () {
      for await (const round of eachRound(folder)) yield createRoundRow(round);
    },
    clients: async function* () {
      for await (const round of eachRound(folder)) yield* createClientRows(round.record);
    },
    records: () => eachRecord(folder),
  };
}
