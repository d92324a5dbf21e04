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
  /** How its clients make models of their own; absent: they use the shared params. */
  readonly personal?: PluginChoice;
  /** Is it an oracle, which leaves the contaminated clients out? */
  readonly benignOnly: boolean;
}

/** Lists the arms of a trial, the main arm first. */
export function listArms({
  aggregator,
  serverOptimizer,
  scaffold,
  personal,
  baselines,
}: Pick<
  Trial,
  "aggregator" | "serverOptimizer" | "scaffold" | "personal" | "baselines"
>): readonly [Arm, ...Arm[]] {
  return [
    {
      label: personal?.name ?? aggregator.name,
      choice: aggregator,
      ...(serverOptimizer && { serverOptimizer }),
      ...(scaffold && { scaffold }),
      ...(personal && { personal }),
      benignOnly: false,
    },
    ...baselines.map(({ label, aggregator: choice, clients, ...arm }) => ({
      label,
      choice,
      ...(arm.serverOptimizer && { serverOptimizer: arm.serverOptimizer }),
      ...(arm.scaffold && { scaffold: arm.scaffold }),
      ...(arm.personal && { personal: arm.personal }),
      benignOnly: clients === "benign",
    })),
  ];
}
