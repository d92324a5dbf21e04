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

/** `undecided` means that the client was judged, but the evidence allows no verdict; `reason` says why. */
export type VerdictStatus = "benign" | "contaminated" | "undecided" | "inactive" | "invalid";

/** The aggregator's verdict on one client in one round, with its evidence. */
export interface Verdict {
  readonly clientId: string;
  readonly status: VerdictStatus;
  /**
   * Does the client take part in the shared result? Benign clients do, and undecided ones where the
   * aggregator includes them; all others do not.
   */
  readonly pooled: boolean;
  /** Null for a client that was not scored (inactive, invalid). */
  readonly score: number | null;
  /** Clients with a higher score are flagged. Null if the aggregator found no threshold and flags nobody. */
  readonly threshold: number | null;
  /** A sentence, where score and threshold do not explain the status. */
  readonly reason?: string;
  /** The pieces that the score was computed from, where there is more than one. */
  readonly evidence?: readonly Evidence[];
}

/** One piece of evidence about one client. */
export interface Evidence {
  /** A name that the aggregator chooses, like `size`. */
  readonly kind: string;
  readonly statistic: number;
  /** Probability that a benign client's statistic is as extreme; absent where no distribution is known. */
  readonly pValue?: number;
  /** A statistic beyond the limit flags the client by itself; absent where none does. */
  readonly limit?: number;
  /** The number of rounds that the statistic covers; absent if it covers only the current round. */
  readonly rounds?: number;
}
