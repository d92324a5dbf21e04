import type { Stream } from "@fedclair/linalg";
import type { ZodObject } from "zod";
import type { Shapes } from "./admission.js";
import type { ClientParams } from "./client-params.js";
import type { Failure } from "./errors.js";
import type { TaskFigures } from "./figure.js";
import type { LocatedPlugin } from "./plugin-identity.js";
import type { Params } from "./tensor.js";
import type { Delta, Metrics, Update } from "./update.js";

// ---- plug-ins ------------------------------------------------------------------------------------------------------

/**
 * What a trial file names: a task, an aggregator, an attack or a mod. What a plug-in remembers from round to round, its state,
 * is handed in and handed back, never kept in a field: a trial can then be stopped, stored and resumed after any round.
 * State holds what survives `v8.serialize`: JSON values, typed arrays, and maps and arrays of these.
 * @typeParam T what it makes
 */
export interface Plugin<T> {
  readonly name: string;
  /** One sentence for `fedclair tasks` and its like. */
  readonly summary: string;
  /** The options it takes beside `name`: a strict zod object whose every key has a default or is required, and says so. */
  readonly schema: ZodObject;
  /** @param options what `schema` returned */
  create(options: never): T;
}

export interface TaskPlugin extends Plugin<Task> {
  /**
   * Its clients are not simulated: what they learn, and from which data, is known to the hosts that bring them alone. Attacks
   * that act at clients are refused then, and `ClientRunner` has nothing to run.
   */
  readonly isExternal?: boolean;
  /** Does `openShard` honour `corruptLabels`? An attack on labels is refused for a task that does not. */
  readonly hasLabels?: boolean;
  /** The kinds of `Shard.contamination` that `openShard` honours, with their options; others are refused. */
  contaminations?(options: never): ReadonlyMap<string, ZodObject>;
  /** The backend of TensorFlow.js that trains faster with these options, as measured: see docs/backends.md. Default: wasm. */
  backend?(options: never): "tensorflow" | "wasm";
  /** Options that are paths, as `source.folder`: a relative one in a trial file starts from the file's folder. */
  readonly paths?: readonly string[];
  /** Aggregators that only make sense of this task's updates: trials of other tasks are refused them. */
  readonly aggregators?: readonly AggregatorPlugin[];
  /** What clients and coordinator measure, by name. */
  readonly metrics?: Readonly<Record<string, MetricInfo>>;
  /** The metric by which methods are compared first; one of `metrics`. */
  readonly primary?: string;
  /** In place of the two, where the trial file says what is measured. */
  measures?(options: never): Measures;
  /** Draws the artifacts of the task's steps, as the method's field would: for the report. */
  readonly figures?: TaskFigures;
}

/** What is measured, by name, and the metric by which methods are compared first. */
export type Measures = Pick<TaskPlugin, "metrics" | "primary">;

export interface MetricInfo {
  readonly better?: "higher" | "lower";
  readonly unit?: string;
  readonly description: string;
}

export interface AggregatorPlugin extends Plugin<Aggregator> {
  /** It leaves every client its own change and makes no common one. Refused for tasks whose clients must share params. */
  readonly sharesNothing?: boolean;
  /** May changes have begun at params of different rounds? Default: no; a schedule that buffers is then refused. */
  readonly takesStale?: boolean;
}

export type Registry<P extends Plugin<unknown>> = ReadonlyMap<string, P>;

/** Everything a trial file can name. */
export interface Plugins {
  readonly tasks: Registry<TaskPlugin>;
  readonly aggregators: Registry<AggregatorPlugin>;
  readonly attacks: Registry<Plugin<Attack>>;
  /** Default: none. */
  readonly mods?: Registry<Plugin<Mod>>;
  /** Those of them that are not built in. */
  readonly outside?: readonly LocatedPlugin[];
}

// ---- tasks ---------------------------------------------------------------------------------------------------------

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
  remark?(count: number): string | undefined;
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
  readonly mostTogether?: number;
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

// ---- aggregators ---------------------------------------------------------------------------------------------------

/**
 * Turns the updates of a round into changes of the params. Sees no client's truth.
 * @typeParam S what it remembers from round to round
 */
export interface Aggregator<S = unknown> {
  /** Throws an error that says what to change if it cannot serve these clients. */
  checkClients?(ids: readonly string[]): void;
  /** What may surprise a user where so many of all clients take part in a round, in a sentence: told when a trial begins. */
  remark?(clients: number, cohort: number): string | undefined;
  /** @param state what the last call returned; absent in the first round */
  aggregate(input: AggregatorInput, state?: S): Promise<Aggregation<S>>;
}

export interface AggregatorInput {
  readonly round: number;
  readonly phase: string;
  /**
   * In cohort order, every one admitted: finite, of the expected modules and shapes. Not to be written into. Numbers of large ones
   * lie on the disk and are read by `data`: take it once a tensor, and one tensor after another, and memory holds one.
   */
  readonly updates: readonly Update[];
  readonly rng: Stream;
}

export interface Aggregation<S = unknown> {
  /** The change of the shared params: a sum of terms, each by module. */
  readonly change: readonly Delta[];
  /**
   * The change of single clients' own params, likewise. A term that several clients share is the same object, so that
   * it is stored and multiplied out once. A client that is absent goes on from the params it had.
   */
  readonly personal?: ReadonlyMap<string, readonly Delta[]>;
  readonly verdicts?: readonly Verdict[];
  readonly metrics?: Metrics;
  /** Default: the state before. */
  readonly state?: S;
}

/**
 * `undecided`: it was looked at, and nothing can be said; `reason` says why. Where nothing can be said of anybody, `threshold` is null, and
 * it is treated as benign; else it is left out of what is shared.
 */
export type VerdictStatus = "benign" | "contaminated" | "undecided" | "inactive" | "invalid";

/** What the aggregator says of one client in one round, with its evidence. */
export interface Verdict {
  readonly clientId: string;
  readonly status: VerdictStatus;
  /** Null for a client that was not scored (inactive, invalid). */
  readonly score: number | null;
  /** Scores above it are contaminated; null: no threshold was found, nobody is. */
  readonly threshold: number | null;
  /** Why, where score and threshold do not tell. */
  readonly reason?: string;
  /** What the score rests on, where there is more than one piece. */
  readonly evidence?: readonly Evidence[];
}

/** A piece of evidence about one client. */
export interface Evidence {
  /** Named by the aggregator. */
  readonly kind: string;
  readonly statistic: number;
  /** That a benign client's is as extreme; absent where no law is known. */
  readonly pValue?: number;
  /** Beyond it the statistic convicts by itself; absent where none does. */
  readonly limit?: number;
  /** Over how many of the client's rounds; absent of this round alone. */
  readonly rounds?: number;
}

// ---- attacks -------------------------------------------------------------------------------------------------------

/**
 * How a contaminated client departs from an honest one. Each member is optional; most attacks have exactly one.
 * @typeParam S what `attackRound` remembers from round to round
 */
export interface Attack<S = unknown> {
  /** The name that records show, where that of the plug-in says too little. */
  readonly label?: string;
  /** It does nothing by itself: it says of clients that are not simulated that they are contaminated. */
  readonly isDeclared?: boolean;
  /** At the data, in a way that the task knows: see `TaskPlugin.contaminations`. */
  readonly data?: DataContamination;
  /** At the data: needs a task with labels. `common` is the same stream for all clients of this attack. */
  corruptLabels?(labels: Int32Array, classes: number, rng: Stream, common: Stream): Int32Array;
  /** At the client, after honest training. Clients keep nothing between jobs, so it has no state. */
  corruptUpdate?(honest: TrainResult, rng: Stream): Promise<TrainResult> | TrainResult;
  /** With sight of the whole round (simulation only): rewrites the updates of this attack's clients. */
  attackRound?(seen: AttackedRound, state?: S): AttackedUpdates<S>;
}

/** What an omniscient attack sees. */
export interface AttackedRound {
  /** The updates that its clients would have sent, honestly trained. */
  readonly own: readonly Update[];
  /** The updates of all clients that are not contaminated. */
  readonly honest: readonly Update[];
  readonly rng: Stream;
}

export interface AttackedUpdates<S = unknown> {
  readonly updates: readonly Update[];
  /** Default: the state before. */
  readonly state?: S;
}

// ---- mods ----------------------------------------------------------------------------------------------------------

/**
 * Wraps updates on their way from the clients to the task's step: clips them, adds noise, writes them in fewer bytes. Client
 * halves act in the order of the trial file, server halves in the reverse one.
 * @typeParam S what `server` remembers from round to round
 */
export interface Mod<S = unknown> {
  /**
   * It says how an update is written, and nobody can send one otherwise: what attacks make of updates is so written too.
   * A trial has one at most, as the last of its mods.
   */
  readonly isFormat?: boolean;
  /**
   * At the client, after honest training. An attack on updates acts on what comes out of it, and is not wrapped again: a
   * contaminated client does not keep to rules. Clients keep nothing between jobs, so it has no state. Shapes stay.
   */
  client?(result: TrainResult, context: ModContext): Promise<TrainResult> | TrainResult;
  /** At the coordinator, once a round, on what was admitted, attacks included. */
  server?(received: Received, state?: S): Promise<Passed<S>> | Passed<S>;
}

export interface ModContext {
  /** 1-based. */
  readonly round: number;
  readonly phase: string;
  /** The client's own stream for this round and this mod. */
  readonly rng: Stream;
}

/** A round as the server half of a mod sees it. */
export interface Received {
  /** 1-based. */
  readonly round: number;
  readonly phase: string;
  /** Every client of the trial. */
  readonly clientIds: readonly string[];
  /** Those that were asked. */
  readonly cohort: readonly string[];
  /** In cohort order, every one admitted. */
  readonly updates: readonly Update[];
  readonly rng: Stream;
}

/** What a mod passes on. */
export interface Passed<S = unknown> {
  /** Of the same clients in the same order, and such as could be admitted. Default: as they came. */
  readonly updates?: readonly Update[];
  /** Numbers for the records of clients of the cohort. */
  readonly told?: ReadonlyMap<string, Metrics>;
  /** Default: the state before. */
  readonly state?: S;
}

// ---- pools ---------------------------------------------------------------------------------------------------------

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
