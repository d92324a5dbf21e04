import type { AggregatorPlugin } from "@fedclair/core";
import { combineProducts } from "../products.js";
import { streamMean } from "../streamed-sum.js";
import { weigh, SampleCounter, weightingSchema, type WeightingOptions } from "../weights.js";

/**
 * Federated averaging (McMahan et al., arXiv 1602.05629) of the clients' changes: Σ w_k·B_k·A_k for
 * factored modules, Σ w_k·X_k for dense ones. The mean is exact but not robust.
 */
export const fedavg: AggregatorPlugin = {
  name: "fedavg",
  summary: "Averages the clients' changes, LoRA pairs as their products.",
  acceptsStale: true,
  schema: weightingSchema,
  create: (options: WeightingOptions) => ({
    aggregate: async ({ updates }) => {
      const { weights, told } = weigh(updates, options);
      return { change: await combineProducts(updates, weights), ...told };
    },
    stream: () => streamMean(new SampleCounter(options), (_, weights) => weights),
  }),
};
