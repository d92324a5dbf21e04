import {
  listExternalContaminations,
  pluginIdentities,
  type PreparedTrial,
} from "@fedclair/core/internal";

/** Describes a trial for `SocketPool.listen`. Aggregators run only at the coordinator. */
export function hostedTrial({ trial, clientIds, external, contamination }: PreparedTrial) {
  const { chunkBytes, maxMessageBytes } = trial.limits;
  return {
    clientIds,
    external,
    trialJson: JSON.stringify(trial),
    plugins: pluginIdentities(trial).filter(({ kind }) => kind !== "aggregator"),
    contaminations: listExternalContaminations(contamination, external),
    chunkBytes,
    maxMessageBytes,
  };
}
