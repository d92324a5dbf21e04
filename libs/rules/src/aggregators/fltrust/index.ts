import {
  binaryVerdict,
  type Aggregation,
  type Aggregator,
  type AggregatorPlugin,
  type Verdict,
} from "@fedclair/core";
import { z } from "zod";
import { at } from "@fedclair/linalg";
import { Mixture } from "../robust/mixture.js";
import { findRoot, requireRoot, root } from "../robust/root.js";
import { computeTrust } from "./trust.js";

const schema = z.strictObject({ root });

/**
 * FLTrust (Cao et al., arXiv 2012.13995): averages the other clients' changes, rescaled to the norm
 * of the root client's change and weighted by their cosine to it; changes with a negative cosine
 * get weight 0. The root replaces the server's own data, which the coordinator does not have: it is
 * a client that the operator runs, and it is not averaged itself.
 */
export const fltrustAggregator: AggregatorPlugin = {
  name: "fltrust",
  summary: "Weights clients by how far they agree with a trusted one (FLTrust).",
  schema,
  create: ({ root }: z.infer<typeof schema>): Aggregator<string> => ({
    checkClients: (ids) => {
      requireRoot(root, ids);
    },
    aggregate: ({ updates }, trusted = root) => trust(Mixture.of(updates), trusted),
  }),
};

/**
 * Aggregates one round.
 * @param trusted id of the root; see `findRoot`
 */
async function trust(mixture: Mixture, trusted?: string): Promise<Aggregation<string>> {
  const { updates } = mixture;
  const root = findRoot(updates, trusted);
  // Without the root's update no client can be trusted, so the model keeps its params this round.
  if (root < 0) return { change: [], metrics: { trusted: 0 } };
  const { cosines, weights } = await computeTrust(await mixture.points(), root);
  if (updates.length === 1) weights[root] = 1;
  const state = updates[root]?.clientId;
  return {
    change: await mixture.combine(weights),
    verdicts: updates.map(({ clientId }, k) => toVerdict(clientId, at(cosines, k))),
    metrics: { trusted: cosines.filter((cosine) => cosine > 0).length },
    ...(state !== undefined && { state }),
  };
}

/**
 * Reports a client that points away from the root as contaminated, and one without a direction as
 * inactive.
 */
function toVerdict(clientId: string, cosine: number): Verdict {
  if (cosine === 0) {
    return { clientId, status: "inactive", pooled: false, score: null, threshold: 1 };
  }
  return binaryVerdict(clientId, cosine < 0, 1 - cosine, 1);
}
