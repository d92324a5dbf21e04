import { pluginIdentities, type LocatedPlugin, type Trial } from "@fedclair/core/internal";

/**
 * Lists the outside plug-ins that the clients of a resolved trial need. Aggregators run only at the
 * coordinator.
 */
export function listClientPlugins(trial: Pick<Trial, "plugins">): LocatedPlugin[] {
  return pluginIdentities(trial).filter(({ kind }) => kind !== "aggregator");
}

/**
 * Removes the aggregators from a trial, so that hosts do not have to load aggregator plug-ins. The
 * baselines stay only for their personal methods, which a job finds by the index of its arm.
 */
export function withoutAggregators(trial: Trial): Trial {
  const aggregator = { name: "fedavg" };
  const isPersonal = trial.baselines.some(({ personal }) => personal);
  return {
    ...trial,
    aggregator,
    baselines: isPersonal
      ? trial.baselines.map(({ personal }, i) => ({
          label: `${i + 1}`,
          aggregator,
          clients: "all",
          ...(personal && { personal }),
        }))
      : [],
    ...(trial.plugins && { plugins: listClientPlugins(trial) }),
  };
}
