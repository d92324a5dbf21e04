import type { Stream } from "@fedclair/linalg";
import { clientIndex } from "../contracts/clients.js";
import type { Job } from "../contracts/pool.js";

let lastJob = 0;

/** The fields of a job that follow from its client. */
type Derived = "id" | "clientIndex" | "clientCount" | "seed" | "commonSeed";

/** The same job with an id of its own, to send it again. */
export function renewJob(job: Job): Job {
  return { ...job, id: ++lastJob };
}

/** Completes a job. @param rng the trial's stream, from which the seeds come */
export function jobFor(
  { clientIds, rng }: { readonly clientIds: readonly string[]; readonly rng: Stream },
  job: Omit<Job, Derived>,
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
