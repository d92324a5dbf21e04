import { UserError, type Aggregation, type Aggregator, type Metrics } from "@fedclair/core";
import { z } from "zod";
import { Mixture } from "./mixture.js";

/** The trusted client of a rule that compares all others with it. */
export const root = z
  .string()
  .optional()
  .describe("Id of the trusted client, such as c00; default: the first client of the first round.");

/**
 * Creates an aggregator that compares all clients with the trusted one. Its state is the id of that
 * client, so that the first client of the first round stays the root.
 * @param root the option
 * @param compare aggregates the updates of a round by the index of the root's update
 * @param metricsWithout returns the metrics of a round in which the root did not answer. No client
 * can be trusted then, so the model keeps its params
 */
export function createRootAggregator(
  root: string | undefined,
  compare: (points: Mixture, root: number) => Promise<Aggregation>,
  metricsWithout: (count: number) => Metrics,
): Aggregator<string> {
  return {
    checkClients: (ids) => {
      if (root === undefined || ids.includes(root)) return;
      const range = `${ids[0] ?? ""} to ${ids.at(-1) ?? ""}`;
      throw new UserError(`root: expected an id from ${range}, got '${root}'`);
    },
    aggregate: async ({ updates }, trusted = root) => {
      const points = Mixture.of(updates);
      const ids = points.updates.map(({ clientId }) => clientId);
      const state = trusted ?? ids[0];
      const index = ids.findIndex((id) => id === state);
      if (state === undefined || index < 0) {
        return { change: [], metrics: metricsWithout(points.count) };
      }
      return { ...(await compare(points, index)), state };
    },
  };
}
