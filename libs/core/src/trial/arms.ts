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
  /** Is it an oracle, which leaves the contaminated clients out? */
  readonly benignOnly: boolean;
}

/** Lists the arms of a trial, the main arm first. */
export function listArms({
  aggregator,
  serverOptimizer,
  baselines,
}: Pick<Trial, "aggregator" | "serverOptimizer" | "baselines">): readonly [Arm, ...Arm[]] {
  return [
    {
      label: aggregator.name,
      choice: aggregator,
      ...(serverOptimizer && { serverOptimizer }),
      benignOnly: false,
    },
    ...baselines.map(({ label, aggregator: choice, serverOptimizer, clients }) => {
      const optimizer = serverOptimizer && { serverOptimizer };
      return { label, choice, ...optimizer, benignOnly: clients === "benign" };
    }),
  ];
}
