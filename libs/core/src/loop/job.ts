import type { Stream } from "@fedclair/linalg";
import { clientIndex } from "../contracts/clients.js";
import type { Job } from "../contracts/pool.js";

let lastJob = 0;

/** What a job tells of its client beside its part of the round. */
type Told = "id" | "clientIndex" | "clientCount" | "seed" | "commonSeed";

/** @param rng of the trial, from which the seeds come */
export function jobFor(
  { clientIds, rng }: { readonly clientIds: readonly string[]; readonly rng: Stream },
  job: Omit<Job, Told>,
): Job {
  const { clientId, kind, phase, round } = job;
  const seeds = rng.at("seed", kind, phase, round);
  return {
    ...job,
    id: ++lastJob,
    clientIndex: clientIndex(clientIds, clientId),
    clientCount: clientIds.length,
    seed: seeds.at(clientId).int(2 ** 32),
    commonSeed: seeds.int(2 ** 32),
  };
}
