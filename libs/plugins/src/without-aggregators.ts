import { pluginIdentities, type LocatedPlugin, type Trial } from "@fedclair/core/internal";

/**
 * Lists the outside plug-ins that the clients of a resolved trial need. Aggregators run only at the
 * coordinator.
 */
export function listClientPlugins(trial: Pick<Trial, "plugins">): LocatedPlugin[] {
  return pluginIdentities(trial).filter(({ kind }) => kind !== "aggregator");
}

/** Removes the aggregators from a trial, so that hosts do not have to load aggregator plug-ins. */
export function withoutAggregators(trial: Trial): Trial {
  return {
    ...trial,
    aggregator: { name: "fedavg" },
    baselines: [],
    ...(trial.plugins && { plugins: listClientPlugins(trial) }),
  };
}
