import {
  binaryVerdict,
  type Aggregation,
  type Aggregator,
  type AggregatorPlugin,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { at } from "@fedclair/linalg";
import { z } from "zod";
import { countPresumedContaminated, fraction } from "../robust/contaminated.js";
import { combineProducts } from "../products.js";
import { groupByModule, sortById } from "../robust/modules.js";
import { meanWeights } from "../robust/mixture.js";
import { createPoints } from "../robust/points.js";
import { findRoot, requireRoot, root } from "../robust/root.js";
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
      averageNearest(sortById(updates), fraction, trusted),
  }),
};

/** Aggregates one round. @param updates sorted by id */
async function averageNearest(
  updates: readonly Update[],
  fraction: number,
  trusted?: string,
): Promise<Aggregation<string>> {
  const f = countPresumedContaminated(fraction, updates.length);
  const root = findRoot(updates, trusted);
  // Without the root's update no client can be trusted, so the model keeps its params this round.
  if (root < 0) return { change: [], metrics: { f } };
  const points = await createPoints([...groupByModule(updates).values()]);
  const { nearest, distances } = await findNearest(points, root, updates.length - f);
  const threshold = Math.max(...nearest.map((k) => at(distances, k)));
  const verdicts = updates.map(({ clientId }, k): Verdict => {
    const score = at(distances, k);
    return binaryVerdict(clientId, score > threshold, score, threshold);
  });
  const change = await combineProducts(updates, meanWeights(updates.length, nearest));
  const state = updates[root]?.clientId;
  return { change, verdicts, metrics: { f }, ...(state !== undefined && { state }) };
}
