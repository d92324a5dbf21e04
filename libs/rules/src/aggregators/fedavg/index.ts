import type { AggregatorPlugin } from "@fedclair/core";
import { averageProducts } from "../products.js";
import { streamMean } from "../streamed-sum.js";
import { countWeights, weightingSchema, type Weighting } from "../weights.js";

/**
 * Federated averaging (McMahan et al., arXiv 1602.05629) of the clients' changes: Σ w_k·B_k·A_k for
 * factored modules, Σ w_k·X_k for dense ones. The mean is exact but not robust.
 */
export const fedavg: AggregatorPlugin = {
  name: "fedavg",
  summary: "Averages the clients' changes, LoRA pairs as their products.",
  acceptsStale: true,
  schema: weightingSchema,
  create: (options: { readonly weighting: Weighting }) => ({
    aggregate: async ({ updates }) => ({
      change: await averageProducts(updates, options.weighting),
    }),
    stream: () => streamMean((updates) => ({ weights: countWeights(updates, options.weighting) })),
  }),
};
