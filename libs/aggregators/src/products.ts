import type { Modules, Update } from "@fedclair/core";
import { factorsOf, lowRankOf, stackFactors } from "./factors.js";
import { sendersOf, sumTerms } from "./mean.js";
import { weightsOf, type Weighting } from "./weights.js";

/** The mean of the clients' changes, as terms. */
export function averageProducts(updates: readonly Update[], by: Weighting): Promise<Modules[]> {
  return combineProducts(updates, weightsOf(updates, by));
}

/**
 * Σ c_k·(change of client k), as terms: one of dense modules, and one of stacked factors of rank Σ r_k. Clients of weight 0
 * take no part in either.
 * @param weights c, of any sum, in the order of the updates
 */
export function combineProducts(
  updates: readonly Update[],
  weights: ArrayLike<number>,
): Promise<Modules[]> {
  const kept = updates.flatMap((update, k) => {
    const weight = weights[k] ?? NaN;
    return weight === 0 ? [] : [{ update, weight }];
  });
  const senders = sendersOf(
    kept.map(({ update }) => update),
    kept.map(({ weight }) => weight),
  );
  return sumTerms(senders, (pairs, weights) =>
    lowRankOf(stackFactors(pairs.map(factorsOf), weights)),
  );
}
