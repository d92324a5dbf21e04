import { basename } from "node:path";
import { UserError } from "@fedclair/core/errors";
import { clientIdAt, listArms } from "@fedclair/core/internal";
import { readRunTrial, recordsAfter, type TrialDescription } from "@fedclair/runs";
import type { RoundsData } from "./rounds.js";
import { RoundsTally } from "./rounds-tally.js";

/**
 * Reads the rounds of one client from the records of a run, with all that they have about it.
 * @throws UserError if the run has no such client
 */
export async function readClientRounds(
  folder: string,
  description: TrialDescription | undefined,
  clientId: string,
): Promise<RoundsData> {
  const { trial } = readRunTrial(folder);
  const { clients } = trial;
  const [first, last] = [clientIdAt(0, clients), clientIdAt(clients - 1, clients)];
  if (clientId.length !== last.length || clientId > last) {
    throw new UserError(`there is no client ${clientId} in this run: it has ${first} to ${last}`);
  }
  const tally = new RoundsTally(trial, description, clientId);
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
