import type { Shapes } from "../tensors/admission.js";
import type { Params } from "../tensors/tensor.js";
import type { Metrics, Update } from "../tensors/update.js";
import type { Aggregation, Verdict } from "./aggregator.js";
import type { Stream } from "@fedclair/linalg";

/**
 * A task whose data are read: the clients' half and the coordinator's half of a method. It keeps no
 * state; see `Plugin`. `TaskPlugin` has an example.
 * @typeParam S the state of the coordinator's half
 */
export interface Task<S = unknown> {
  /** Throws an error that says what to change if the data do not suffice for this many clients. */
  checkClients?(clients: number): void;
  /** The name that people know a client by, if the data have one (a president, a hospital). */
  clientLabel?(index: number): string;
  /** Coordinator, once: the params that every client starts from, and what the first round asks. */
  start(context: StartContext): Promise<Start<S>>;
  /** Client, once per job: opens the data of one client. The trainer is closed after the job. */
  openShard(shard: Shard): Promise<LocalTrainer>;
  /** Trains several clients at once, where that is faster than one after another. */
  readonly trainCohort?: CohortTraining;
  /**
   * Coordinator, once per round: turns the updates into params, measures them, and decides what the
   * next round asks. Default: calls `aggregate` and adds its result to the params.
   */
  step?(round: Round<S>, aggregate: Aggregate): Promise<Step<S>>;
}

/** Training of several clients of one round and phase in one computation. */
export interface CohortTraining {
  /** The largest number of clients that `train` accepts, at least 1. */
  readonly maxBatch: number;
  /**
   * Returns what `LocalTrainer.train` would return for each client, bit for bit the same in any
   * company. The signals of the jobs abort together.
   * @param trainers the results of `openShard`, one per job
   */
  train(
    trainers: readonly LocalTrainer[],
    jobs: readonly TrainJob[],
  ): Promise<readonly TrainResult[]>;
}

export interface StartContext {
  readonly clientIds: readonly string[];
  readonly rng: Stream;
}

export interface Start<S = unknown> {
  /** The first params; `client` if only the clients know them, and one of them is to be asked. */
  readonly params: Params | "client";
  /** Default: phase `train`, of the trial's cohort. */
  readonly ask?: Ask;
  readonly state?: S;
}

/** What a round asks, of whom, and what an answer must look like. */
export interface Ask {
  readonly phase: string;
  /** Who takes part. Default: the trial's cohort. */
  readonly clients?: readonly string[];
  /** The modules of an answer. Default: those of the params. */
  readonly expects?: Shapes;
}

/** A round as the coordinator's half of a task sees it, when its updates are there. */
export interface Round<S = unknown> {
  /** 1-based. */
  readonly round: number;
  readonly phase: string;
  /** Every client of the trial. */
  readonly clientIds: readonly string[];
  /** The params that all share, before this round changes them. */
  readonly params: Params;
  /** As the clients sent them, in cohort order. */
  readonly updates: readonly Update[];
  /** What the last step, or `start`, handed back. */
  readonly state: S;
  /** The coordinator's own stream for this round. */
  readonly rng: Stream;
  /** The same stream in every round, and in every arm: what measurements are to draw alike. */
  readonly fixedRng: Stream;
}

/**
 * The trial's aggregator, at most once a round: on the updates as they came, or on what the task makes of them (statistics
 * brought to one scale, totals instead of changes). What it gives lies in the space of what it was given. Without updates
 * it is not asked and gives nothing.
 */
export type Aggregate = (updates?: readonly Update[]) => Promise<Aggregation>;

/** What a round comes to, as a task decides it. */
export interface Step<S = unknown> {
  /** The new shared params; clients' own ones then stay as they are. Default: the aggregation is added to both. */
  readonly params?: Params;
  /** New params of single clients, beside `params`. */
  readonly personal?: ReadonlyMap<string, Params>;
  /** What the next round asks. Default: the same again. */
  readonly next?: Ask | "end";
  /** In place of the aggregator's verdicts, where the method has a detector of its own. */
  readonly verdicts?: readonly Verdict[];
  /** Beside the aggregator's. */
  readonly metrics?: Metrics;
  /** What the method's figures are drawn from, by name: anything that survives JSON, at most 64 Mi characters of it each. */
  readonly artifacts?: Readonly<Record<string, unknown>>;
  /** Default: the state before. */
  readonly state?: S;
}

/** Which data to open. */
export interface Shard {
  /** 0 … count - 1 */
  readonly index: number;
  /** Clients in the trial. */
  readonly count: number;
  /** The client's own stream, the same in every round: use it for the data that the client holds. */
  readonly rng: Stream;
  /** Present for a client whose labels are contaminated: apply it to the labels that it trains on, not to evaluation. */
  readonly corruptLabels?: LabelCorruption;
  /** Present for a client whose data are contaminated in one of the ways that the task names in `contaminations`. */
  readonly contamination?: Contaminating;
}

/** A way to contaminate data that only the task knows. */
export interface DataContamination {
  readonly kind: string;
  /** Checked by the schema that `TaskPlugin.contaminations` has for the kind. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface Contaminating extends DataContamination {
  /** The same stream for every client of the attack: what colluders draw alike. */
  readonly common: Stream;
}

/** @param labels class indices 0 … classes - 1 @returns as many labels, the contaminated ones */
export type LabelCorruption = (labels: Int32Array, classes: number) => Int32Array;

/** One client's data and how it trains on it. */
export interface LocalTrainer {
  /** Trains from `job.params` and returns the *change*. Must give way to the event loop at least every 100 ms. */
  train(job: TrainJob): Promise<TrainResult>;
  /** Measures the params on the client's own data. */
  evaluate?(params: Params): Promise<TrainResult>;
  close?(): void;
}

export interface TrainJob {
  /** 1-based. */
  readonly round: number;
  readonly phase: string;
  /** The params that this client starts from: its personal ones if it has them, else the shared ones. */
  readonly params: Params;
  /** The client's own stream for this round: batches, dropout. */
  readonly rng: Stream;
  /** The same stream for every client of the round: what all must draw alike, as the LoRA initialisation A₀. */
  readonly common: Stream;
  /** Aborts when the client is given up (`limits.clientSeconds`): long training stops then, to leave the host to others. */
  readonly signal: AbortSignal;
}

export type TrainResult = Omit<Update, "clientId">;
