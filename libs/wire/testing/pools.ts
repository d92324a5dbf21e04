import type { Params, Update } from "@fedclair/core";
import type { Admit, Answer, ClientJob, Job } from "@fedclair/core/internal";
import { SocketPool } from "../src/socket-pool.js";
import type { SocketPoolOptions } from "../src/socket-pool-options.js";

/** Admits every update. */
export const admitAll: Admit = () => undefined;

export const never: AbortSignal = new AbortController().signal;

/** A pool for clients c0 … on a free port. */
export function listenFor(
  count: number,
  options: Partial<SocketPoolOptions> = {},
): Promise<SocketPool> {
  const clientIds = Array.from({ length: count }, (_, i) => `c${i}`);
  return SocketPool.listen({ clientIds, trialJson: '{"name":"test"}', ...options });
}

/** Params with a single module w. */
export function paramsOf(...values: number[]): Params {
  return new Map([["w", { shape: [values.length], data: Float32Array.from(values) }]]);
}

const shared = { base: paramsOf(1, 2), rounds: [] };
let lastJob = 0;

/** Training jobs for round 1, one per client, all on the same params; every update is admitted. */
export function jobsFor(clientIds: readonly string[], changes: Partial<Job> = {}): Job[] {
  return clientIds.map((clientId) => ({
    id: ++lastJob,
    clientId,
    round: 1,
    phase: "train",
    kind: "train",
    params: shared,
    clientIndex: 0,
    clientCount: 4,
    seed: 1,
    commonSeed: 2,
    admit: () => undefined,
    ...changes,
  }));
}

/** Work for hosts that run one job after another. */
export function oneByOne(run: (job: ClientJob) => Promise<Answer>) {
  return async (jobs: readonly ClientJob[]): Promise<Answer[]> => {
    const answers: Answer[] = [];
    for (const job of jobs) answers.push(await run(job));
    return answers;
  };
}

export function updateOf(clientId: string, value = 0): Update {
  const delta = new Map([["w", { shape: [2], data: Float32Array.of(value, -0) }]]);
  return { clientId, numExamples: 1, delta, metrics: {} };
}

export async function collect(
  pool: SocketPool,
  jobs: readonly Job[],
  admit: Admit = admitAll,
  signal = never,
): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>();
  for await (const answer of pool.ask(jobs, admit, signal)) answers.set(answer.clientId, answer);
  return answers;
}

/** "ok" or the code of the failure, by client in alphabetical order. */
export function codes(answers: ReadonlyMap<string, Answer>): Record<string, string> {
  const entries = [...answers].map(([id, answer]): [string, string] => [
    id,
    "update" in answer ? "ok" : answer.failure.code,
  ]);
  return Object.fromEntries(entries.sort());
}
