import type { Stream } from "@fedclair/linalg";
import type { Contamination } from "../trial/contamination.js";
import type { Aggregator } from "../contracts/aggregator.js";
import type { ClientPool } from "../contracts/pool.js";
import type { Task } from "../contracts/task.js";
import type { TrialMod } from "../trial/mods.js";
import type { Devices } from "../trial/devices.js";
import type { Trial } from "../trial/trial.js";

/** Who takes part in a run and by which rules. */
export interface RoundPlan {
  readonly trial: Pick<Trial, "rounds" | "cohort" | "evaluate" | "limits" | "schedule">;
  /** All clients of the trial. */
  readonly clientIds: readonly string[];
  /** The truth, for records and for choosing who measures; it goes no further. */
  readonly contamination: Contamination;
  /** Are the clients not simulated? See `TaskPlugin.isExternal`. */
  readonly isExternal?: boolean;
  /** Clients of which nobody knows whether they are benign. Default: none. */
  readonly unknown?: ReadonlySet<string>;
  /** Simulated time. Default: rounds take none. */
  readonly devices?: Devices | undefined;
  /** An oracle that leaves contaminated clients out of every cohort. */
  readonly benignOnly?: boolean;
  readonly pool: ClientPool;
  /** Prepared. */
  readonly task: Task;
  readonly aggregator: Aggregator;
  /** Default: none. */
  readonly mods?: readonly TrialMod[];
  readonly rng: Stream;
  readonly signal: AbortSignal;
}
