import type { Pending } from "./trial-state.js";

/** The clients that a round asked. */
export interface Asking {
  /** The clients that take part in the round, in order. */
  readonly cohort: readonly string[];
  /** The number of bytes of params that were sent to clients. */
  readonly down: number;
  /** Seconds spent sampling the cohort. */
  readonly sampleSeconds: number;
  /** Present if the trial simulates time. */
  readonly time?: SimulatedTime;
}

/** Simulated time of a round. */
export interface SimulatedTime {
  /** Seconds since the trial began, at the end of the round. */
  readonly clock: number;
  /** Seconds from the request to the answer, by client. */
  readonly seconds: ReadonlyMap<string, number>;
  /** The number of rounds that ended while the client trained, by client. */
  readonly staleness?: ReadonlyMap<string, number>;
  /** Answers that have not arrived yet. */
  readonly pending?: readonly Pending[];
}
