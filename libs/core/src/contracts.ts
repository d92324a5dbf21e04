import type { Stream } from "@fedclair/linalg";
import type { ZodObject } from "zod";
import type { Failure } from "./errors.js";
import type { TaskFigures } from "./figure.js";
import type { Params } from "./tensor.js";
import type { Metrics, Delta, Update } from "./update.js";

/**
 * What a trial file names: a task, an aggregator or an attack.
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

export type Registry<T> = ReadonlyMap<string, Plugin<T>>;

/** Everything a trial file can name. */
export interface Plugins {
  readonly tasks: ReadonlyMap<string, TaskPlugin>;
  readonly aggregators: Registry<Aggregator>;
  readonly attacks: Registry<Attack>;
}

// ---- tasks ---------------------------------------------------------------------------------------------------------

export interface TaskPlugin extends Plugin<Task> {
  /** Aggregators that only make sense of this task's updates: trials of other tasks are refused them. */
  readonly aggregators?: readonly Plugin<Aggregator>[];
  /** What clients and coordinator measure, by name. */
  readonly metrics?: Readonly<Record<string, MetricInfo>>;
  /** The metric by which methods are compared first; one of `metrics`. */
  readonly primary?: string;
  /** Draws what the coordinator's half showed, as the method's field would: for the report. */
  readonly figures?: TaskFigures;
}

export interface MetricInfo {
  readonly better?: "higher" | "lower";
  readonly unit?: string;
  readonly description: string;
}

/** What is learnt, and from which data: both halves of a method, the clients' and the coordinator's. */
export interface Task {
  /** Called once, before anything that needs data: load a backend, read a corpus. */
  prepare?(): Promise<void>;
  /** Coordinator, once: the params that every client starts from. */
  init(rng: Stream): Promise<Params>;
  /** Coordinator, once: what the first round asks, and of whom. Default: phase `train`, of the trial's cohort. */
  start?(clientIds: readonly string[]): Pick<Step, "phase" | "clients">;
  /** Client, once a job: the data of one client. The trainer is closed after the job, so that hosts stay small. */
  openShard(shard: Shard): Promise<LocalTrainer>;
  /** Does `openShard` honour `corruptLabels`? An attack on labels is refused for a task that says no. */
  readonly hasLabels?: boolean;
  /** The kinds of `Shard.contamination` that `openShard` honours, with their options; others are refused. */
  readonly contaminations?: ReadonlyMap<string, ZodObject>;
  /** Throws an error that says what to change if the data cannot serve this many clients. */
  checkClients?(count: number): void;
  /** A name that a person knows a client by, if its data has one (a president, a hospital). */
  clientLabel?(index: number): string;
  /** Shapes the clients' updates must have in a phase, by module. Default: the shapes of the global params. */
  expects?(phase: string, global: Params): ReadonlyMap<string, readonly number[]>;
  /**
   * Coordinator, before each aggregation: what the trial's aggregator is to judge, where that is not the updates as they
   * came (statistics brought to one scale, totals instead of changes); undefined in a phase in which it has no say, whose
   * aggregate is then empty. The aggregate lies in the space of what was presented: `reduce` turns it into params.
   */
  present?(state: RoundState): readonly Update[] | undefined;
  /** Coordinator, after each aggregation: the method's own step. Default: add the aggregate to the params. */
  reduce?(state: RoundState, aggregate: Aggregation): Promise<Step>;
  /** Coordinator, after each round: measurements that need no client's data. @param rng the same in every round */
  evaluate?(global: Params, rng: Stream): Promise<Pick<Step, "metrics" | "artifacts">>;
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
  /** Checked by the schema that `Task.contaminations` has for the kind. */
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
  /** The params that this client starts from: its personal ones if it has them, else the global ones. */
  readonly params: Params;
  /** The client's own stream for this round: batches, dropout. */
  readonly rng: Stream;
  /** The same stream for every client of the round: what all must draw alike, as the LoRA initialisation A₀. */
  readonly common: Stream;
  /** Aborts when the client is given up (`limits.clientSeconds`): long training stops then, to leave the host to others. */
  readonly signal: AbortSignal;
}

export type TrainResult = Omit<Update, "clientId">;

/** What the coordinator-side half of a task sees and may change. */
export interface RoundState {
  readonly round: number;
  readonly phase: string;
  readonly global: Params;
  /** As the clients sent them, in cohort order. */
  readonly updates: readonly Update[];
  /** The coordinator's own stream for this round. */
  readonly rng: Stream;
}

/** What follows a round, as a task decides it. */
export interface Step {
  /** The new global params, in place of the aggregate, which then changes no client's own params either. */
  readonly global?: Params;
  /** What the next round asks of the clients; default: the same as this one. */
  readonly phase?: string;
  /** Who takes part in the next round; default: the trial's cohort. */
  readonly clients?: readonly string[];
  /** Ends the trial after this round. */
  readonly done?: boolean;
  /** In place of the aggregator's verdicts, where the method has a detector of its own. */
  readonly verdicts?: readonly Verdict[];
  readonly metrics?: Metrics;
  /** What the method's figures are drawn from, by name: anything that survives JSON. */
  readonly artifacts?: Readonly<Record<string, unknown>>;
}

// ---- aggregators ---------------------------------------------------------------------------------------------------

/** Turns the updates of a round into changes of the params. May keep memory over rounds; sees no client's truth. */
export interface Aggregator {
  /** Throws an error that says what to change if it cannot serve these clients. */
  checkClients?(ids: readonly string[]): void;
  aggregate(input: AggregatorInput): Promise<Aggregation>;
}

export interface AggregatorInput {
  readonly round: number;
  readonly phase: string;
  /** In cohort order, every one admitted: finite, of the expected modules and shapes. */
  readonly updates: readonly Update[];
  readonly rng: Stream;
}

export interface Aggregation {
  /** The change of the global params: a sum of terms, each by module. */
  readonly global: readonly Delta[];
  /**
   * The change of single clients' own params, likewise. A term that several clients share is the same object, so that
   * it is stored and multiplied out once. A client that is absent goes on from the params it had.
   */
  readonly personal?: ReadonlyMap<string, readonly Delta[]>;
  readonly verdicts?: readonly Verdict[];
  readonly metrics?: Metrics;
}

/** `undecided`: it was looked at, and nothing can be said; it is treated as benign, and `reason` says why. */
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
}

// ---- attacks -------------------------------------------------------------------------------------------------------

/** How a contaminated client departs from an honest one. Each member is optional; most attacks have exactly one. */
export interface Attack {
  /** The name that records show, where that of the plug-in says too little. */
  readonly label?: string;
  /** At the data, in a way that the task knows: see `Task.contaminations`. */
  readonly data?: DataContamination;
  /** At the data: needs a task with labels. `common` is the same stream for all clients of this attack. */
  corruptLabels?(labels: Int32Array, classes: number, rng: Stream, common: Stream): Int32Array;
  /** At the client, after honest training. */
  corruptUpdate?(honest: TrainResult, rng: Stream): Promise<TrainResult> | TrainResult;
  /**
   * With sight of the whole round (simulation only): rewrites the updates of this attack's clients.
   * @param own the updates they would have sent, honestly trained
   * @param honest the updates of all clients that are not contaminated
   */
  attackRound?(own: readonly Update[], honest: readonly Update[], rng: Stream): readonly Update[];
}

// ---- pools ---------------------------------------------------------------------------------------------------------

/** What a set of clients is asked to do. */
export interface Work {
  readonly round: number;
  readonly phase: string;
  readonly kind: "train" | "evaluate";
  readonly clientIds: readonly string[];
  readonly global: Params;
  /** Only clients whose params differ from the global ones. */
  readonly personal: ReadonlyMap<string, Params>;
  /** Refuses an update that must not be aggregated; the sender is told. */
  admit(update: Update): Failure | undefined;
}

/** One client's answer: an admitted update, or why there is none. */
export type Answer =
  | { readonly clientId: string; readonly update: Update }
  | { readonly clientId: string; readonly failure: Failure };

/** The coordinator's view of its clients. Every implementation passes `describeClientPool` (testing/pool-conformance.ts). */
export interface ClientPool {
  /** Resolves when every client of the trial can be reached. */
  ready(signal: AbortSignal): Promise<void>;
  /**
   * Yields one arrival a client, in any order, and ends when all have arrived, or soon after `signal` aborts; answers
   * that come later are refused. One call at a time.
   */
  run(work: Work, signal: AbortSignal): AsyncIterable<Answer>;
  close(): Promise<void>;
}
