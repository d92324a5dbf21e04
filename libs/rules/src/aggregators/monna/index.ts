import type { Aggregation, Aggregator, AggregatorPlugin } from "@fedclair/core";
import { at } from "@fedclair/linalg";
import { z } from "zod";
import { countPresumedContaminated, fraction } from "../robust/contaminated.js";
import { meanWeights, Mixture } from "../robust/mixture.js";
import { findRoot, requireRoot, root } from "../robust/root.js";
import { createVerdicts } from "../robust/rule.js";
import { findNearest } from "./nearest.js";

const schema = z.strictObject({ fraction, root });

type Options = z.infer<typeof schema>;

/**
 * MoNNA's aggregation (Farhadkhani et al., ICML 2023, arXiv 2209.10931): the unweighted mean of the
 * K - f changes nearest to the one of a trusted client, itself included. In the paper every worker
 * trusts itself; here the trusted client is one that the operator runs, as for `fltrust`. Low-rank
 * pairs stay pairs.
 */
export const monnaAggregator: AggregatorPlugin = {
  name: "monna",
  summary: "The mean of the clients that are nearest to a trusted one (MoNNA).",
  schema,
  create: ({ fraction, root }: Options): Aggregator<string> => ({
    checkClients: (ids) => {
      requireRoot(root, ids);
    },
    aggregate: ({ updates }, trusted = root) =>
      averageNearest(Mixture.of(updates), fraction, trusted),
  }),
};

async function averageNearest(
  mixture: Mixture,
  fraction: number,
  trusted?: string,
): Promise<Aggregation<string>> {
  const { updates, count } = mixture;
  const f = countPresumedContaminated(fraction, count);
  const root = findRoot(updates, trusted);
  // Without the root's update no client can be trusted, so the model keeps its params this round.
  if (root < 0) return { change: [], metrics: { f } };
  const { nearest, distances } = await findNearest(await mixture.points(), root, count - f);
  const threshold = Math.max(...nearest.map((k) => at(distances, k)));
  const verdicts = createVerdicts(updates, distances, threshold);
  const change = await mixture.combine(meanWeights(count, nearest));
  const state = updates[root]?.clientId;
  return { change, verdicts, metrics: { f }, ...(state !== undefined && { state }) };
}
