import type { Stream } from "@fedclair/linalg";
import type { Admit, ClientPool } from "../contracts/pool.js";
import type { Trial } from "../trial/trial.js";
import { collect, type Collected } from "./collect.js";
import { jobFor } from "./job.js";

/** What asking clients before round 1 needs. */
export interface BeforeRounds {
  readonly trial: Pick<Trial, "limits">;
  readonly clientIds: readonly string[];
  /** A pool that is ready. */
  readonly pool: ClientPool;
  readonly rng: Stream;
  readonly signal: AbortSignal;
}

/** Asks clients before round 1, when there are no params yet. */
export async function askBefore(
  { trial, clientIds, pool, rng, signal }: BeforeRounds,
  phase: string,
  asked: readonly string[],
  admit: Admit,
): Promise<Collected> {
  const params = { base: new Map(), rounds: [] };
  const jobs = asked.map((clientId) =>
    jobFor({ clientIds, rng }, { clientId, round: 0, phase, kind: "initial", params }),
  );
  const answers = collect(pool, jobs, admit, trial.limits.answerSeconds, signal);
  let step = await answers.next();
  while (!step.done) step = await answers.next();
  return step.value;
}
