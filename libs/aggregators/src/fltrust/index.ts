import {
  UserError,
  type Aggregation,
  type Aggregator,
  type AggregatorPlugin,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { z } from "zod";
import { at } from "@fedclair/linalg";
import { combineProducts } from "../products.js";
import { sortById, groupByModule } from "../robust/modules.js";
import { createPoints } from "../robust/points.js";
import { computeTrust } from "../robust/trust.js";

const schema = z.strictObject({
  root: z
    .string()
    .optional()
    .describe("Id of the client that is trusted, as c00; default: the first of the first round."),
});

/**
 * FLTrust (Cao et al., arXiv 2012.13995): the others' changes at the norm of the root client's, weighted by their cosine to it, those
 * that point away not at all. The root stands for the server's own data, which no coordinator here holds: it is a client that the
 * operator runs, and only the others are averaged.
 */
export const fltrustAggregator: AggregatorPlugin = {
  name: "fltrust",
  summary: "Weights clients by how far they agree with one that is trusted (FLTrust).",
  schema,
  create: ({ root }: z.infer<typeof schema>): Aggregator<string> => ({
    checkClients: (ids) => {
      if (root === undefined || ids.includes(root)) return;
      const range = `${ids[0] ?? ""} to ${ids.at(-1) ?? ""}`;
      throw new UserError(`root: expected an id from ${range}, got '${root}'`);
    },
    aggregate: async ({ updates }, trusted = root) => trust(sortById(updates), trusted),
  }),
};

/** @param updates by id @param trusted default: the first of them, from now on */
async function trust(updates: readonly Update[], trusted?: string): Promise<Aggregation<string>> {
  const first = updates[0]?.clientId;
  const root = updates.findIndex(({ clientId }) => clientId === (trusted ?? first));
  // Without the root's answer nobody can be trusted: the model stays as it is for a round.
  if (root < 0) return { change: [], metrics: { trusted: 0 } };
  const points = await createPoints([...groupByModule(updates).values()]);
  const { cosines, weights } = await computeTrust(points, root);
  if (updates.length === 1) weights[root] = 1;
  const state = updates[root]?.clientId;
  return {
    change: await combineProducts(updates, weights),
    verdicts: updates.map(({ clientId }, k) => toVerdict(clientId, at(cosines, k))),
    metrics: { trusted: cosines.filter((cosine) => cosine > 0).length },
    ...(state !== undefined && { state }),
  };
}

/** Who points away from the root is contaminated, who points nowhere inactive. */
function toVerdict(clientId: string, cosine: number): Verdict {
  if (cosine === 0) return { clientId, status: "inactive", score: null, threshold: 1 };
  const status = cosine > 0 ? "benign" : "contaminated";
  return { clientId, status, score: 1 - cosine, threshold: 1 };
}
