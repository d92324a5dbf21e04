import type { PluginChoice, RoundRecord, Trial } from "@fedclair/core/internal";

/** One method of a trial: the one under study, or one that it is compared with. */
export interface Arm {
  readonly label: string;
  readonly aggregator: PluginChoice;
  /** An oracle, which leaves the contaminated clients out. */
  readonly benignOnly: boolean;
}

/** A line of `records.jsonl`: the same bytes for the same trial, whatever the transport and the number of hosts. */
export type ArmRecord = { readonly arm: string } & RoundRecord;

/** The methods of a trial, the one under study first. */
export function listArms({ aggregator, baselines }: Trial): readonly [Arm, ...Arm[]] {
  return [
    { label: aggregator.name, aggregator, benignOnly: false },
    ...baselines.map((baseline) => ({
      label: baseline.label,
      aggregator: baseline.aggregator,
      benignOnly: baseline.clients === "benign",
    })),
  ];
}
