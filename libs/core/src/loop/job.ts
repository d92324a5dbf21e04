import { clientIndex } from "../contracts/clients.js";
import type { Job } from "../contracts/pool.js";
import type { RoundPlan } from "./round-plan.js";

let lastJob = 0;

/** The fields of a job that follow from its client. */
type Derived = "id" | "clientIndex" | "clientCount" | "seed" | "commonSeed" | "contamination";

/** The parts of a plan that jobs depend on. */
type JobPlan = Pick<RoundPlan, "clientIds" | "rng"> &
  Partial<Pick<RoundPlan, "contamination" | "external">>;

/** The same job with an id of its own, to send it again. */
export function renewJob(job: Job): Job {
  return { ...job, id: ++lastJob };
}

/** Completes a job. */
export function jobFor(plan: JobPlan, job: Omit<Job, Derived>): Job {
  const { clientIds, rng } = plan;
  const { clientId, kind, phase, round } = job;
  const seeds = rng.at("seed", kind, phase, round);
  return {
    ...job,
    id: ++lastJob,
    clientIndex: clientIndex(clientIds, clientId),
    clientCount: clientIds.length,
    seed: seeds.at(clientId).int(2 ** 32),
    commonSeed: seeds.int(2 ** 32),
    ...(kind === "train" && contaminationOf(plan, clientId)),
  };
}

/** Simulated clients are not told: their runner contaminates the data. */
function contaminationOf(
  { contamination, external, rng }: JobPlan,
  clientId: string,
): Pick<Job, "contamination"> {
  const contaminated = external?.has(clientId) ? contamination?.get(clientId) : undefined;
  if (!contaminated?.data) return {};
  const stream = rng.at("shard", clientId).path;
  return {
    contamination: { ...contaminated.data, stream, common: contaminated.common.path },
  };
}
