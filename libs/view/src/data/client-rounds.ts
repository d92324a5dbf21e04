import { basename } from "node:path";
import { listArms } from "@fedclair/core/internal";
import { readRunTrial, recordsAfter, type TrialDescription } from "@fedclair/runs";
import type { RoundsData } from "./rounds.js";
import { RoundsTally } from "./rounds-tally.js";

/** Reads the rounds of one client from the records of a run, with all that they have about it. */
export async function readClientRounds(
  folder: string,
  description: TrialDescription | undefined,
  clientId: string,
): Promise<RoundsData> {
  const tally = new RoundsTally(readRunTrial(folder).trial, description, clientId);
  for await (const { value } of recordsAfter(folder, 0)) tally.add(value);
  return tally.data(basename(folder));
}

/** Reads one round of the main arm with all its clients, or with none if there is no such round. */
export async function readOneRound(
  folder: string,
  description: TrialDescription | undefined,
  round: number,
): Promise<RoundsData> {
  const { trial } = readRunTrial(folder);
  const [{ label }] = listArms(trial);
  const tally = new RoundsTally(trial, description);
  for await (const { value } of recordsAfter(folder, 0)) {
    if (value.arm !== label || value.round !== round) continue;
    tally.add(value);
    break;
  }
  return tally.data(basename(folder));
}
