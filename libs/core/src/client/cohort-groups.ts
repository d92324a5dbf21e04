import type { ClientJob } from "./client-runner.js";

type Kind = Pick<ClientJob, "kind" | "round" | "phase">;

/**
 * The jobs that are done together with that at `start`: those behind it that train in its round and phase.
 * @param most at least 1
 */
export function nextGroup<J extends Kind>(jobs: readonly J[], start: number, most: number): J[] {
  const first = jobs[start];
  const fits = (job: J) =>
    job.kind === "train" && job.round === first?.round && job.phase === first.phase;
  const group = jobs.slice(start, start + most);
  const end = group.findIndex((job) => !fits(job));
  return end < 0 ? group : group.slice(0, Math.max(end, 1));
}
