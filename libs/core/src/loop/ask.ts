import { collect, type Answered, type Collected } from "./collect.js";
import type { Job } from "../contracts/pool.js";
import { jobFor } from "./job.js";
import type { RoundPlan } from "./round-plan.js";
import { clientStart, type TrialState } from "./trial-state.js";

/** Whom a round asks. */
export interface Sampled {
  readonly kind: "sampled";
  readonly round: number;
  readonly cohort: readonly string[];
}

/** What a round asks of its clients. */
export type Asked = Pick<Job, "round" | "phase" | "kind" | "admit">;

/** Asks clients, each from the params that it goes on from, and waits for their answers as `collect`. */
export async function* askClients(
  plan: RoundPlan,
  state: TrialState,
  asked: Asked,
  clientIds: readonly string[],
): AsyncGenerator<Answered, Collected> {
  const { pool, trial, signal } = plan;
  const jobs = clientIds.map((clientId) =>
    jobFor(plan, { ...asked, clientId, params: clientStart(state, clientId) }),
  );
  return yield* collect(pool, jobs, trial.limits.answerSeconds, signal);
}
