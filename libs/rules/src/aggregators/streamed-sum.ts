import { DenseSum, type AggregationStream, type Update } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { combineProducts } from "./products.js";
import type { SampleCounter } from "./weights.js";

/**
 * Streams Σ c_k·X_k / Σ w_k. The sum is dense: the factors of more than a thousand clients, side by
 * side, would take more memory than most modules.
 * @param counter computes the weights w_k, which need not sum to 1
 * @param clip returns the weights c_k with which the changes of some clients are added
 */
export function streamMean(
  counter: SampleCounter,
  clip: (updates: readonly Update[], weights: Float64Array) => Promise<Float64Array> | Float64Array,
): AggregationStream {
  const mean = new DenseSum();
  let total = 0;
  return {
    add: async (updates) => {
      const weights = counter.count(updates);
      total += sum(weights);
      await mean.add(await combineProducts(updates, await clip(updates, weights)));
    },
    finish: () => Promise.resolve({ change: mean.over(total), ...counter.told }),
  };
}
