import type { PluginChoice } from "../contracts/plugin-choice.js";
import type { ServerOptimizer } from "./server-optimizer.js";
import type { Trial } from "./trial.js";

/** One aggregator's run within a trial: the main arm, or a baseline. */
export interface Arm {
  /** The arm's name in records, tables and figures. */
  readonly label: string;
  readonly choice: PluginChoice;
  /** What turns the aggregated change into the change that is made; absent: nothing. */
  readonly serverOptimizer?: ServerOptimizer;
  /** Do its clients correct their steps by control variates? Default: no. */
  readonly scaffold?: boolean;
  /** Is it an oracle, which leaves the contaminated clients out? */
  readonly benignOnly: boolean;
}

/** Lists the arms of a trial, the main arm first. */
export function listArms({
  aggregator,
  serverOptimizer,
  scaffold,
  baselines,
}: Pick<Trial, "aggregator" | "serverOptimizer" | "scaffold" | "baselines">): readonly [
  Arm,
  ...Arm[],
] {
  return [
    {
      label: aggregator.name,
      choice: aggregator,
      ...(serverOptimizer && { serverOptimizer }),
      ...(scaffold && { scaffold }),
      benignOnly: false,
    },
    ...baselines.map(({ label, aggregator: choice, serverOptimizer, scaffold, clients }) => ({
      label,
      choice,
      ...(serverOptimizer && { serverOptimizer }),
      ...(scaffold && { scaffold }),
      benignOnly: clients === "benign",
    })),
  ];
}
