import type { Tensor } from "../tensors/tensor.js";
import type { Delta, Metrics, Update } from "../tensors/update.js";
import type { Stream } from "@fedclair/linalg";

/**
 * Turns the updates of a round into changes of the params. It does not see which clients are
 * contaminated.
 * @typeParam S the state that is passed from round to round
 */
export interface Aggregator<S = unknown> {
  /**
   * Does it change personal params? A server optimiser, which only acts on shared params, is then
   * rejected. Default: no.
   */
  readonly changesPersonal?: boolean;
  /**
   * Throws an error that says what to change if the aggregator cannot serve these clients.
   * @param cohort the number of clients that take part in a round
   */
  checkClients?(ids: readonly string[], cohort: number): void;
  /**
   * Returns a notice: a sentence about what may surprise the user, printed when a trial starts.
   * @param cohort the number of clients that take part in a round
   */
  notice?(clients: number, cohort: number): string | undefined;
  /** @param state the state of the last call's result; absent in the first round */
  aggregate(input: AggregatorInput, state?: S): Promise<Aggregation<S>>;
  /**
   * Begins a round that is aggregated in parts, so that a large cohort is never in memory as a
   * whole. A round uses it if it asks more than 1,024 clients and nothing else in the trial needs
   * the whole cohort: no omniscient attack, server half of a mod, step of the task or simulated
   * time. The result may differ from that of `aggregate`, for example in the last bits of a sum.
   * Default: the updates are held until the last one has arrived.
   * @param state as for `aggregate`
   */
  stream?(round: StreamedRound, state?: S): AggregationStream<S>;
}

/** A round whose updates come in parts. */
export type StreamedRound = Omit<AggregatorInput, "updates">;

/** A round that is being aggregated in parts. */
export interface AggregationStream<S = unknown> {
  /**
   * Adds admitted updates, as in `AggregatorInput.updates`. The next part follows when the promise
   * resolves. All parts together are in a random order that no client knows, which is the same for
   * any pool and number of hosts.
   */
  add(updates: readonly Update[]): Promise<void>;
  /** Returns the result after the last part. It is not called if no update was admitted. */
  finish(): Promise<Aggregation<S>>;
}

export interface AggregatorInput {
  readonly round: number;
  readonly phase: string;
  /**
   * The admitted updates in cohort order: finite, with the expected modules and shapes. Do not
   * write into them. The numbers of large updates are on disk. `readNumbers` reads them: call it
   * once per tensor, one tensor after another, to hold only one in memory.
   */
  readonly updates: readonly Update[];
  readonly rng: Stream;
}

export interface Aggregation<S = unknown> {
  /** The change of the shared params: a sum of terms, each by module. */
  readonly change: readonly Delta[];
  /**
   * The changes of single clients' personal params, by client id, in the same form. Clients that
   * share a term share the object, so that it is stored and multiplied out once. A client without
   * an entry keeps its params.
   */
  readonly personal?: ReadonlyMap<string, readonly Delta[]>;
  /**
   * The clients whose entry in `personal` mixes their own change with what others learnt. If the
   * trial holds back data, each of them chooses between that entry, its own change, and blends of
   * its own change with `change`. Default: none.
   */
  readonly refined?: ReadonlySet<string>;
  readonly verdicts?: readonly Verdict[];
  /**
   * The kinds of attackers that the benign clients of this round are cleared of, because planted
   * ones stood out. Absent if none are planted.
   */
  readonly cleared?: readonly string[];
  /** A sentence about the updates that may surprise the user. It is printed once for each arm. */
  readonly notice?: string;
  readonly metrics?: Metrics;
  /**
   * The column spaces that it found the clients' changes to share, by module, as orthonormal
   * columns. A round of a simulation that knows the true ones records how far they are apart.
   */
  readonly spaces?: ReadonlyMap<string, Tensor>;
  /** The state for the next call. Default: the state before. */
  readonly state?: S;
}

/**
 * `undecided` means that the aggregator judged the client, but that the evidence is too weak for a
 * verdict; `reason` explains why.
 */
export type VerdictStatus = "benign" | "contaminated" | "undecided" | "inactive" | "invalid";

/** The aggregator's verdict on one client in one round, with its evidence. */
export interface Verdict {
  readonly clientId: string;
  readonly status: VerdictStatus;
  /**
   * Does the client take part in the shared result? Required: true for benign clients, either for
   * undecided ones, and false for all others.
   */
  readonly pooled: boolean;
  /** The client's score; null for a client that was not scored (inactive, invalid). */
  readonly score: number | null;
  /**
   * Clients with a higher score are flagged. Null if the aggregator has no threshold and flags no
   * client.
   */
  readonly threshold: number | null;
  /** A sentence that explains the status, if score and threshold do not. */
  readonly reason?: string;
  /** The pieces of evidence behind the score, if there is more than one. */
  readonly evidence?: readonly Evidence[];
  /** The few modules in which the client differs most from benign ones, the farthest first. */
  readonly modules?: readonly ModuleDistance[];
}

/** How far a client differs from benign ones in one module. */
export interface ModuleDistance {
  /** The name of a module of the client's update. */
  readonly module: string;
  /** The distance as a multiple of what is usual among benign clients, at least 0. */
  readonly ratio: number;
}

/** One piece of evidence about one client. */
export interface Evidence {
  /** A name that the aggregator chooses, like `size`. */
  readonly kind: string;
  /** The measured value. */
  readonly statistic: number;
  /** How much it counts against the client, in deviations of the others, at least 0. */
  readonly deviations: number;
  /** The number of rounds that the statistic covers; absent if it covers only the current round. */
  readonly rounds?: number;
}
