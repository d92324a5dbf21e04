import type { ClientJob } from "./client-runner.js";

type Kind = Pick<ClientJob, "kind" | "round" | "phase">;

/**
 * Returns the job at `start` and the jobs after it that train in the same round and phase, which
 * can run together.
 * @param most the largest number of jobs, at least 1
 */
export function nextGroup<J extends Kind>(jobs: readonly J[], start: number, most: number): J[] {
  const first = jobs[start];
  const fits = (job: J) =>
    job.kind === "train" && job.round === first?.round && job.phase === first.phase;
  const group = jobs.slice(start, start + most);
  const end = group.findIndex((job) => !fits(job));
  return end < 0 ? group : group.slice(0, Math.max(end, 1));
}
