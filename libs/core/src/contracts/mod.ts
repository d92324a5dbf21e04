import type { Metrics, Update } from "../tensors/update.js";
import type { TrainResult } from "./task.js";
import type { Stream } from "@fedclair/linalg";

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
  readonly metrics?: ReadonlyMap<string, Metrics>;
  /** Default: the state before. */
  readonly state?: S;
}
