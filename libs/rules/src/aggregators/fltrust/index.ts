import {
  binaryVerdict,
  type Aggregation,
  type AggregatorPlugin,
  type Verdict,
} from "@fedclair/core";
import { at } from "@fedclair/linalg";
import { z } from "zod";
import type { Mixture } from "../robust/mixture.js";
import { createRootAggregator, root } from "../robust/root.js";
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
  create: ({ root }: z.infer<typeof schema>) =>
    createRootAggregator(root, averageTrusted, () => ({ trusted: 0 })),
};

async function averageTrusted(mixture: Mixture, root: number): Promise<Aggregation> {
  const { cosines, weights } = await computeTrust(await mixture.points(), root);
  if (mixture.count === 1) weights[root] = 1;
  return {
    change: await mixture.combine(weights),
    verdicts: mixture.updates.map(({ clientId }, k) => toVerdict(clientId, at(cosines, k))),
    metrics: { trusted: cosines.filter((cosine) => cosine > 0).length },
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
