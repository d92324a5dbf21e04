import type { Shapes } from "../tensors/admission.js";
import type { Params } from "../tensors/tensor.js";
import type { Metrics, Update } from "../tensors/update.js";
import type { Aggregation, Verdict } from "./aggregator.js";
import type { Stream } from "@fedclair/linalg";

/**
 * What is learnt, and from which data: both halves of a method, the clients' and the coordinator's.
 * @typeParam S what the coordinator's half remembers from round to round
 */
export interface Task<S = unknown> {
  /** Called once, before anything that needs data: load a backend, read a corpus. */
  prepare?(): Promise<void>;
  /**
   * Throws an error that says what to change if the data cannot serve this many clients. Called before `prepare`, for what is
   * known without the data, and once more after it.
   */
  checkClients?(count: number): void;
  /** What may surprise a user about the data and this many clients, in a sentence: told when a trial begins. */
  notice?(count: number): string | undefined;
  /** A name that a person knows a client by, if its data has one (a president, a hospital). */
  clientLabel?(index: number): string;
  /** Do all clients have to go on from the same params? An aggregator that shares nothing is then refused. */
  readonly sharesParams?: boolean;
  /** Coordinator, once: the params that every client starts from, and what the first round asks. */
  start(context: StartContext): Promise<Start<S>>;
  /** Client, once a job: the data of one client. The trainer is closed after the job, so that hosts stay small. */
  openShard(shard: Shard): Promise<LocalTrainer>;
  /**
   * Trains clients of one round and phase together, where that is faster than one after another: gives what each one's `train`
   * would, to the same bytes in whatever company. Their signals abort together.
   * @param trainers what `openShard` returned, a job each
   */
  trainCohort?(
    trainers: readonly LocalTrainer[],
    jobs: readonly TrainJob[],
  ): Promise<readonly TrainResult[]>;
  /** The most clients that `trainCohort` takes. Default: 1. */
  readonly maxBatch?: number;
  /**
   * Coordinator, once a round: makes params of the updates, measures them, and says what the next round asks.
   * Default: calls `aggregate` and adds what it gives to the params.
   */
  step?(round: Round<S>, aggregate: Aggregate): Promise<Step<S>>;
}

export interface StartContext {
  readonly clientIds: readonly string[];
  readonly rng: Stream;
}

export interface Start<S = unknown> {
  readonly params: Params;
  /** The coordinator does not know the params: a client is asked for them, and `params` are left empty. */
  readonly asksClient?: boolean;
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
