import type { ClientPool } from "../contracts/pool.js";
import type { Task } from "../contracts/task.js";
import type { KeeperFor } from "../tensors/client-params.js";
import type { PreparedArm, PreparedTrial } from "../trial/prepared-trial.js";

/** Everything that the rounds of one arm need. */
export interface RoundPlan
  extends
    Pick<PreparedTrial, "trial" | "clientIds" | "contamination" | "rng" | "mods" | "unknown">,
    Pick<PreparedTrial, "external" | "absentFrom" | "devices">,
    Pick<PreparedArm, "aggregator" | "benignOnly" | "scaffold" | "method"> {
  /** Are all clients external? See `TaskPlugin.isExternal`. */
  readonly isExternal: boolean;
  readonly task: Task;
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
  arm: Pick<PreparedArm, "aggregator" | "choice" | "benignOnly" | "scaffold" | "method">,
  run: Pick<RoundPlan, "task" | "pool" | "signal" | "keeperFor" | "onCode">,
): RoundPlan {
  const { trial, clientIds, contamination, rng, mods, unknown, external } = prepared;
  const { absentFrom, devices, taskPlugin } = prepared;
  const { aggregator, choice, benignOnly, scaffold, method } = arm;
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
    isExternal: taskPlugin.isExternal ?? false,
    aggregator,
    aggregatorName: choice.name,
    benignOnly,
    ...(scaffold && { scaffold }),
    ...(method && { method }),
    ...run,
  };
}
