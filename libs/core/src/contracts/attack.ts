import type { Update } from "../tensors/update.js";
import type { DataContamination, TrainResult } from "./task.js";
import type { Stream } from "@fedclair/linalg";

/**
 * How a contaminated client departs from an honest one. Each member is optional; most attacks have exactly one.
 * @typeParam S what `attackRound` remembers from round to round
 */
export interface Attack<S = unknown> {
  /** The name that records show, where that of the plug-in says too little. */
  readonly label?: string;
  /** It does nothing by itself: it says of clients that are not simulated that they are contaminated. */
  readonly labelOnly?: boolean;
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
