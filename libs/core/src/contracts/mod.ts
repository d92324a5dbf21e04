import type { Metrics, Update } from "../tensors/update.js";
import type { TrainResult } from "./task.js";
import type { Stream } from "@fedclair/linalg";

/**
 * Changes updates on their way from the clients to the task's step: clips them, adds noise, or
 * encodes them in fewer bytes. Client halves run in the order of the trial file, server halves in
 * the reverse order.
 * @typeParam S the state that `server` passes from round to round
 */
export interface Mod<S = unknown> {
  /**
   * Is the mod the format of updates? Every client must send its update in the format, so it is
   * also applied to the updates that attacks change. A trial has at most one format, as the last of
   * its mods.
   */
  readonly isFormat?: boolean;
  /**
   * Changes an update at the client, after honest training; shapes must stay the same. An attack on
   * updates acts on the result, and only a format is applied again: a contaminated client does not
   * follow the other mods. The client half has no state, because clients keep nothing between jobs.
   */
  client?(result: TrainResult, context: ModContext): Promise<TrainResult> | TrainResult;
  /** Changes the admitted updates, attacks included, at the coordinator, once per round. */
  server?(received: Received, state?: S): Promise<Passed<S>> | Passed<S>;
}

interface ModContext {
  /** The number of the round, starting at 1. */
  readonly round: number;
  readonly phase: string;
  /** The client's own stream for this round and this mod. */
  readonly rng: Stream;
}

/** A round as the server half of a mod sees it. */
export interface Received {
  /** The number of the round, starting at 1. */
  readonly round: number;
  readonly phase: string;
  /** Every client of the trial. */
  readonly clientIds: readonly string[];
  /** The clients that the round asked. */
  readonly cohort: readonly string[];
  /** The admitted updates, in cohort order. */
  readonly updates: readonly Update[];
  readonly rng: Stream;
}

/** The result of a mod's server half. */
export interface Passed<S = unknown> {
  /**
   * Updates of the same clients in the same order; each is admitted again. Default: the received
   * updates.
   */
  readonly updates?: readonly Update[];
  /** Metrics for the records of clients of the cohort, by client id. */
  readonly metrics?: ReadonlyMap<string, Metrics>;
  /** The state for the next call. Default: the state before. */
  readonly state?: S;
}
