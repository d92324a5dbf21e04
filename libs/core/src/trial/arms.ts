import type { PluginChoice } from "../contracts/plugin-choice.js";
import type { Trial } from "./trial.js";

/** One aggregator's run within a trial: the main arm, or a baseline. */
export interface Arm {
  /** The arm's name in records, tables and figures. */
  readonly label: string;
  readonly choice: PluginChoice;
  /** Is it an oracle, which leaves the contaminated clients out? */
  readonly benignOnly: boolean;
}

/** Lists the arms of a trial, the main arm first. */
export function listArms({
  aggregator,
  baselines,
}: Pick<Trial, "aggregator" | "baselines">): readonly [Arm, ...Arm[]] {
  return [
    { label: aggregator.name, choice: aggregator, benignOnly: false },
    ...baselines.map(({ label, aggregator: choice, clients }) => {
      return { label, choice, benignOnly: clients === "benign" };
    }),
  ];
}
