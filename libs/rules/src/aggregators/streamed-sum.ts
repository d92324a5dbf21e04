import { DenseSum, type AggregationStream, type Update } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { combineProducts } from "./products.js";

/** The weights of some clients in a streamed mean, in the order of their updates. */
interface StreamedWeights {
  /** w; they need not sum to 1. */
  readonly weights: Float64Array;
  /** c, the weights with which their changes are added. Default: w. */
  readonly clipped?: Float64Array;
}

/**
 * Streams Σ c_k·X_k / Σ w_k. The sum is dense: the factors of more than a thousand clients, side by
 * side, would take more memory than most modules.
 */
export function streamMean(
  weigh: (updates: readonly Update[]) => Promise<StreamedWeights> | StreamedWeights,
): AggregationStream {
  const mean = new DenseSum();
  let total = 0;
  return {
    add: async (updates) => {
      const { weights, clipped = weights } = await weigh(updates);
      total += sum(weights);
      await mean.add(await combineProducts(updates, clipped));
    },
    finish: () => Promise.resolve({ change: mean.over(total) }),
  };
}
