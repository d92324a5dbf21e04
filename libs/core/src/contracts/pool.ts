import type { ClientParams } from "../tensors/client-params.js";
import type { Params } from "../tensors/tensor.js";
import type { Delta, Update } from "../tensors/update.js";
import type { DataContamination } from "./task.js";
import type { CandidateParts } from "./refinements.js";
import type { Failure } from "../words/errors.js";

/** One client's part of a round. */
export interface Job {
  /** The id of the job, unique in this process; the answer carries the same id. */
  readonly id: number;
  readonly clientId: string;
  /** The number of the round, starting at 1; 0 for the kind `initial`. */
  readonly round: number;
  readonly phase: string;
  /**
   * `initial` asks an external client for the params that all clients start from, and a simulated
   * one for its answer to the task's survey. `choose` asks for
   * the losses of candidates on data that the client held back, as metrics by kind.
   */
  readonly kind: "train" | "evaluate" | "initial" | "choose";
  /** The client's index, 0 … clientCount - 1. */
  readonly clientIndex: number;
  readonly clientCount: number;
  /**
   * The client's seed for this round, an integer below 2³², for hosts that cannot use fedclair's
   * random streams.
   */
  readonly seed: number;
  /** The seed that all clients of the round share, an integer below 2³². */
  readonly commonSeed: number;
  /** Jobs with the same base share the object `params.base`, which pools send to each host once. */
  readonly params: ClientParams;
  /** The parts of the candidates that are added to `params`, in jobs of the kind `choose`. */
  readonly candidates?: CandidateParts;
  /** What `TrainJob.control` is, in jobs of the kind `train`. */
  readonly control?: Params;
  /** Present in jobs of the kinds `train` and `evaluate` of an arm with a personal method. */
  readonly personal?: PersonalJob;
  /** The contamination of an external client's data, in jobs of the kind `train`. */
  readonly contamination?: SentContamination;
  /** How `params.base` follows from an earlier base, if that takes fewer bytes than the base. */
  readonly derivation?: Derivation;
}

/** What a job of an arm with a personal method says in addition. */
export interface PersonalJob {
  /** The index of the arm, by which a host finds the method. */
  readonly arm: number;
  /** The client's own params; absent if it takes part for the first time. */
  readonly own?: Params;
}

/** A contamination that an external client applies to its own data before it trains. */
export interface SentContamination extends DataContamination {
  /** The path of the client's own stream, `Shard.rng` of a simulated client. */
  readonly stream: string;
  /** The path of the stream that all clients of the attack share. */
  readonly common: string;
}

/** A base as an earlier base and the terms that were added to it. */
export interface Derivation {
  /** Weak, so that the earlier base is not kept in memory. */
  readonly from: WeakRef<Params>;
  readonly terms: readonly Delta[];
}

/** The answer to one job: an admitted update, or the reason why there is none. */
export type Answer = { readonly jobId: number; readonly clientId: string } & (
  | { readonly update: Update }
  | { readonly failure: Failure }
);

/**
 * Admits an update by returning undefined, or returns the reason to reject it, which is sent to the
 * client.
 */
export type Admit = (update: Update) => Failure | undefined;

/**
 * The coordinator's view of its clients. All implementations pass `describeClientPool`
 * (testing/pool-conformance.ts).
 */
export interface ClientPool {
  /** Resolves when every client of the trial can be reached. */
  ready(signal: AbortSignal): Promise<void>;
  /**
   * Yields one answer per job, in any order. Ends when all have arrived, or soon after `signal`
   * aborts; later answers are rejected.
   */
  ask(jobs: readonly Job[], admit: Admit, signal: AbortSignal): AsyncIterable<Answer>;
  close(): Promise<void>;
}
