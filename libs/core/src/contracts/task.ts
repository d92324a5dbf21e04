import type { Shapes } from "../tensors/admission.js";
import type { Params, Tensor } from "../tensors/tensor.js";
import type { Metrics, Update } from "../tensors/update.js";
import type { Aggregation, Verdict } from "./aggregator.js";
import type { GradientTraining } from "./personal.js";
import type { Stream } from "@fedclair/linalg";

/**
 * A task with its data loaded: the client half and the coordinator half of a method. It keeps no
 * state; see `Plugin`. `TaskPlugin` has an example.
 * @typeParam S the state of the coordinator half
 */
export interface Task<S = unknown> {
  /** Throws an error that says what to change if the data do not suffice for this many clients. */
  checkClients?(clients: number): void;
  /**
   * Returns a sentence about the data that the user should know, printed once they are read: which
   * part is used, or how it is split.
   */
  notice?(clients: number): string | undefined;
  /**
   * Returns what guessing reaches, by metric, such as the share of the most frequent class for an
   * accuracy. Results near it say that nothing was learned.
   */
  guessing?(): Metrics;
  /** Returns a readable name of a client, if the data have one (a president, a hospital). */
  clientLabel?(index: number): string;
  /**
   * Returns the params that every client starts from, and the request of the first round. Called
   * once, at the coordinator.
   */
  start(context: StartContext): Promise<Start<S>>;
  /**
   * Opens the data of one client. Called at the client, once per job; the trainer is closed after
   * the job.
   */
  openShard(shard: Shard): Promise<LocalTrainer>;
  /**
   * The column spaces that the true changes of benign clients share, by module, as orthonormal
   * columns. Only a simulation knows them.
   */
  readonly sharedSpaces?: ReadonlyMap<string, Tensor>;
  /** Trains several clients together, if that is faster than one after another. */
  readonly trainCohort?: CohortTraining;
  /**
   * Turns the updates into params, measures them, and chooses the request of the next round. Called
   * at the coordinator, once per round. Default: calls `aggregate` and adds its result to the
   * params.
   */
  step?(round: Round<S>, aggregate: Aggregate): Promise<Step<S>>;
}

/** Training of several clients of one round and phase in one computation. */
export interface CohortTraining {
  /** The largest number of clients that `train` accepts, at least 1. */
  readonly maxBatch: number;
  /**
   * Returns the same bits as `LocalTrainer.train` for each client, in any group of clients. The
   * signals of the jobs abort together.
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
  /**
   * Asks every simulated client for what `LocalTrainer.survey` returns, and yields the admitted
   * answers in the order of the clients. Absent where no client can be asked, as for tasks of
   * custom plug-ins.
   * @param expects the modules of an answer
   */
  survey?(expects: Shapes): AsyncIterable<Update>;
}

export interface Start<S = unknown> {
  /** The first params; `client` if only the clients know them, so that a client must be asked. */
  readonly params: Params | "client";
  /** The request of the first round. Default: phase `train` with the trial's cohort. */
  readonly ask?: Ask;
  readonly state?: S;
}

/** The request of a round: its phase, its clients, and the modules of an answer. */
export interface Ask {
  readonly phase: string;
  /** The clients that take part. Default: the trial's cohort. */
  readonly clients?: readonly string[];
  /** The modules of an answer. Default: those of the params. */
  readonly expects?: Shapes;
}

/** A round as the coordinator half of a task sees it, after the updates have arrived. */
export interface Round<S = unknown> {
  /** The number of the round, starting at 1. */
  readonly round: number;
  readonly phase: string;
  /** Every client of the trial. */
  readonly clientIds: readonly string[];
  /** The shared params before this round. */
  readonly params: Params;
  /** The admitted updates in cohort order, after the server halves of mods. */
  readonly updates: readonly Update[];
  /** The state that the last step, or `start`, returned. */
  readonly state: S;
  /** The coordinator's own stream for this round. */
  readonly rng: Stream;
  /** A stream that is the same in every round and arm, for measurements that must be comparable. */
  readonly fixedRng: Stream;
}

/**
 * Calls the trial's aggregator; a step may call it at most once. It aggregates the round's updates,
 * or updates that the task derives from them (statistics on one scale, totals instead of changes).
 * The result is in the space of these updates. Without updates the aggregator is not called, and
 * the result is empty.
 */
export type Aggregate = (updates?: readonly Update[]) => Promise<Aggregation>;

/** The task's decisions at the end of a round. */
export interface Step<S = unknown> {
  /**
   * The new shared params; personal params then stay unchanged. Default: the aggregation is added
   * to both.
   */
  readonly params?: Params;
  /** New personal params by client id, in addition to `params`. */
  readonly personal?: ReadonlyMap<string, Params>;
  /** The request of the next round, or the end of the trial. Default: the same request again. */
  readonly next?: Ask | "end";
  /** Replaces the aggregator's verdicts, if the task has a detector of its own. */
  readonly verdicts?: readonly Verdict[];
  /** Metrics in addition to the aggregator's. */
  readonly metrics?: Metrics;
  /**
   * The data of the task's figures, by name: JSON values of at most 64 Mi characters each.
   */
  readonly artifacts?: Readonly<Record<string, unknown>>;
  /** The state for the next step. Default: the state before. */
  readonly state?: S;
}

/** The data of one client to open. */
export interface Shard {
  /** The client's index, 0 … count - 1. */
  readonly index: number;
  /** The number of clients in the trial. */
  readonly count: number;
  /** The client's own stream, the same in every round. Use it to choose the client's data. */
  readonly rng: Stream;
  /**
   * The share of its training data that the client holds back: `train` does not use it, and
   * `measureHeldBack` does. In (0, 1); absent if nothing is held back. See `TaskPlugin.holdsBack`.
   */
  readonly holdBack?: number;
  /**
   * Present for a client whose labels are contaminated. Apply it to the labels of training, not to
   * those of evaluation.
   */
  readonly corruptLabels?: LabelCorruption;
  /**
   * Present for a client whose data are contaminated in one of the ways that the task lists in
   * `contaminations`.
   */
  readonly contamination?: Contaminating;
}

/** A way to contaminate data that only the task knows. */
export interface DataContamination {
  readonly kind: string;
  /** The options, checked by the schema that `TaskPlugin.contaminations` has for the kind. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface Contaminating extends DataContamination {
  /** A stream that all clients of the attack share, for the choices that they make together. */
  readonly common: Stream;
}

/**
 * Contaminates labels.
 * @param labels class indices 0 … classes - 1
 * @returns as many contaminated labels
 */
type LabelCorruption = (labels: Int32Array, classes: number) => Int32Array;

/** One client's data with its training and evaluation. */
export interface LocalTrainer {
  /**
   * Trains from `job.params` and returns the *change*. It must yield to the event loop at least
   * every 100 ms.
   */
  train(job: TrainJob): Promise<TrainResult>;
  /**
   * Opens the training data for a personal method, which takes single gradient steps. Present if
   * `TaskPlugin.refusesSteps` has no objection.
   */
  open?(job: TrainJob): Promise<GradientTraining> | GradientTraining;
  /** Measures the params on the client's own data. */
  evaluate?(params: Params): Promise<TrainResult>;
  /**
   * Returns the mean loss of the params on the data that `Shard.holdBack` excludes from training,
   * contaminated like the rest. The client keeps the candidate with the lowest loss.
   */
  measureHeldBack?(params: Params): Promise<number>;
  /**
   * Returns what the task asks its clients before round 1, such as sums of columns (see
   * `StartContext.survey`). Neither attacks nor mods change it.
   */
  survey?(): Promise<TrainResult>;
  close?(): void;
}

export interface TrainJob {
  /** The number of the round, starting at 1. */
  readonly round: number;
  readonly phase: string;
  /** The client's personal params if it has them, otherwise the shared params. */
  readonly params: Params;
  /**
   * SCAFFOLD's c - c_i, one tensor for each of the params: the trainer adds it to the gradient of
   * each of its steps, and reports the sum of their learning rates as the metric `stepSum`. Present
   * only if `TaskPlugin.acceptsControl` and the arm has `scaffold: true`.
   */
  readonly control?: Params;
  /** The client's own stream for this round: batches, dropout. */
  readonly rng: Stream;
  /**
   * A stream that all clients of the round share, for values that must be the same everywhere, like
   * the LoRA initialisation A₀.
   */
  readonly common: Stream;
  /**
   * Aborts when the client has used up `limits.clientSeconds`. Long training should then stop, so
   * that the host can run other clients.
   */
  readonly signal: AbortSignal;
}

export type TrainResult = Omit<Update, "clientId">;
