import type { Delta, Metrics, Update } from "../tensors/update.js";
import type { Stream } from "@fedclair/linalg";

/**
 * Turns the updates of a round into changes of the params. Sees no client's truth.
 * @typeParam S what it remembers from round to round
 */
export interface Aggregator<S = unknown> {
  /** Throws an error that says what to change if it cannot serve these clients. */
  checkClients?(ids: readonly string[]): void;
  /** What may surprise a user where so many of all clients take part in a round, in a sentence: told when a trial begins. */
  notice?(clients: number, cohort: number): string | undefined;
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
