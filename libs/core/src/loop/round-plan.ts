import type { Aggregator } from "../contracts/aggregator.js";
import type { ClientPool } from "../contracts/pool.js";
import type { Task } from "../contracts/task.js";
import type { KeeperFor } from "../tensors/client-params.js";
import type { PreparedArm, PreparedTrial } from "../trial/prepared-trial.js";
import type { Trial } from "../trial/trial.js";

/** Everything that the rounds of one arm need. */
export interface RoundPlan extends Pick<PreparedTrial, "clientIds" | "contamination" | "rng"> {
  readonly trial: Pick<
    Trial,
    "rounds" | "cohort" | "sampling" | "evaluate" | "limits" | "schedule" | "holdBack" | "task"
  >;
  /** The mods. Default: none. */
  readonly mods?: PreparedTrial["mods"];
  /** The clients whose truth is unknown. Default: none. */
  readonly unknown?: PreparedTrial["unknown"];
  /** The clients that fedclair does not simulate. Default: none. */
  readonly external?: PreparedTrial["external"];
  /** The first round without a client. Default: every client takes part in all rounds. */
  readonly absentFrom?: PreparedTrial["absentFrom"];
  /** Simulated time. Default: time is not simulated. */
  readonly devices?: PreparedTrial["devices"];
  /** Are all clients external? See `TaskPlugin.isExternal`. */
  readonly isExternal?: boolean;
  /** Does the arm leave contaminated clients out of every cohort? */
  readonly benignOnly?: boolean;
  /** Do clients correct their steps by control variates? Default: no. */
  readonly scaffold?: boolean;
  readonly task: Task;
  readonly aggregator: Aggregator;
  /** The aggregator's name, for messages. */
  readonly aggregatorName: string;
  readonly pool: ClientPool;
  readonly signal: AbortSignal;
  /** Returns where new params of clients stay between rounds. Default: in memory. */
  readonly keeperFor?: KeeperFor | undefined;
  /** Called before code of a plug-in runs at the coordinator: `aggregate() of aggregator 'x'`. */
  readonly onCode?: (code: string) => void;
}

/** Plans the rounds of one arm. @param task the loaded task of the trial */
export function planRounds(
  prepared: PreparedTrial,
  arm: Pick<PreparedArm, "aggregator" | "choice" | "benignOnly" | "scaffold">,
  run: Pick<RoundPlan, "task" | "pool" | "signal" | "keeperFor" | "onCode">,
): RoundPlan {
  const { trial, clientIds, contamination, rng, mods, unknown, external } = prepared;
  const { absentFrom, devices, taskPlugin } = prepared;
  const { aggregator, choice, benignOnly, scaffold } = arm;
  const isExternal = taskPlugin.isExternal ?? false;
  return {
    trial,
    clientIds,
    contamination,
    rng,
    mods,
    unknown,
    external,
    absentFrom,
    devices,
    isExternal,
    aggregator,
    aggregatorName: choice.name,
    benignOnly,
    ...(scaffold && { scaffold }),
    ...run,
  };
}
