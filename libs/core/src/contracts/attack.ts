import type { Update } from "../tensors/update.js";
import type { DataContamination, TrainResult } from "./task.js";
import type { Stream } from "@fedclair/linalg";

/**
 * Defines how a contaminated client differs from a benign one. Each member is optional; most
 * attacks have exactly one.
 * @typeParam S the state that `attackRound` passes from round to round
 */
export interface Attack<S = unknown> {
  /** The name that records show. Default: the plug-in's name. */
  readonly label?: string;
  /** Does the attack only declare that clients which are not simulated are contaminated? */
  readonly labelOnly?: boolean;
  /** Contaminates the data in a way that the task knows: see `TaskPlugin.contaminations`. */
  readonly data?: DataContamination;
  /**
   * Contaminates the labels, for tasks that have labels.
   * @param common the same stream for all clients of this attack
   */
  corruptLabels?(labels: Int32Array, classes: number, rng: Stream, common: Stream): Int32Array;
  /**
   * Changes the update at the client, after honest training. It has no state, because clients keep
   * nothing between jobs.
   */
  corruptUpdate?(honest: TrainResult, rng: Stream): Promise<TrainResult> | TrainResult;
  /**
   * Rewrites the updates of this attack's clients, knowing all updates of the round (simulation
   * only).
   */
  attackRound?(round: AttackedRound, state?: S): AttackedUpdates<S>;
}

/** A round as an omniscient attack sees it. */
export interface AttackedRound {
  /** The updates of the attack's clients, trained honestly. */
  readonly own: readonly Update[];
  /** The updates of all benign clients. */
  readonly honest: readonly Update[];
  readonly rng: Stream;
}

export interface AttackedUpdates<S = unknown> {
  readonly updates: readonly Update[];
  /** The state for the next call. Default: the state before. */
  readonly state?: S;
}
