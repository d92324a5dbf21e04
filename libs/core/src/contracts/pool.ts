import type { ClientParams } from "../tensors/client-params.js";
import type { Update } from "../tensors/update.js";
import type { Failure } from "../words/errors.js";

/** One client's part of a round. */
export interface Job {
  /** Unique in this process: names the job in its answer. */
  readonly id: number;
  readonly clientId: string;
  /** 0 of `initial`. */
  readonly round: number;
  readonly phase: string;
  /** `initial` asks for the params that all clients are to start from; only clients that are not simulated know them. */
  readonly kind: "train" | "evaluate" | "initial";
  /** 0 … clientCount - 1 */
  readonly clientIndex: number;
  readonly clientCount: number;
  /** Integers below 2³², for clients that do not have our streams: the client's own in this round, and that of all. */
  readonly seed: number;
  readonly commonSeed: number;
  /** Jobs that stand on the same params share `params.base`, the same object: pools send it to each host once. */
  readonly params: ClientParams;
  /** Refuses an update that must not be aggregated; the sender is told. */
  admit(update: Update): Failure | undefined;
}

/** The answer to one job: an admitted update, or why there is none. */
export type Answer = { readonly jobId: number; readonly clientId: string } & (
  { readonly update: Update } | { readonly failure: Failure }
);

/** The coordinator's view of its clients. Every implementation passes `describeClientPool` (testing/pool-conformance.ts). */
export interface ClientPool {
  /** Resolves when every client of the trial can be reached. */
  ready(signal: AbortSignal): Promise<void>;
  /**
   * Yields one answer a job, in any order, and ends when all have come, or soon after `signal` aborts; answers that come
   * later are refused.
   */
  ask(jobs: readonly Job[], signal: AbortSignal): AsyncIterable<Answer>;
  close(): Promise<void>;
}
