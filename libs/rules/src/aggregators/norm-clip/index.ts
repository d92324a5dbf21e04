import type { AggregatorPlugin, Update } from "@fedclair/core";
import { median } from "@fedclair/linalg";
import { z } from "zod";
import { combineProducts } from "../products.js";
import { normClipWeights, computeNorms } from "../robust/clipping.js";
import { groupByModule } from "../robust/modules.js";
import { createPoints } from "../robust/points.js";
import { streamMean } from "../streamed-sum.js";
import { weighting, computeWeights, countWeights } from "../weights.js";

const schema = z.strictObject({
  weighting: weighting.default("samples"),
  most: z
    .number()
    .positive()
    .optional()
    .describe("Norm to which longer changes are clipped; default: the median norm of the round."),
});

/**
 * The mean of the clients' changes, each clipped to a maximum norm over all modules together (Sun
 * et al., arXiv 1911.07963).
 */
export const normClipAggregator: AggregatorPlugin = {
  name: "norm-clip",
  summary: "The mean of the clients' changes after clipping long ones.",
  acceptsStale: true,
  schema,
  create: ({ weighting, most }: z.infer<typeof schema>) => ({
    // The median norm is known only when all updates are there.
    ...(most !== undefined && {
      stream: () =>
        streamMean(async (updates) => {
          const weights = countWeights(updates, weighting);
          return { weights, clipped: normClipWeights(await measureNorms(updates), weights, most) };
        }),
    }),
    aggregate: async ({ updates }) => {
      const norms = await measureNorms(updates);
      const weights = computeWeights(updates, weighting);
      const clipped = normClipWeights(norms, weights, most ?? median(norms));
      return { change: await combineProducts(updates, clipped) };
    },
  }),
};

async function measureNorms(updates: readonly Update[]): Promise<Float64Array> {
  return computeNorms(await createPoints([...groupByModule(updates).values()]));
}
