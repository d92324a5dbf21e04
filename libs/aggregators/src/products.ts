import type { Modules, Update } from "@fedclair/core";
import { factorsOf, lowRankOf, stackFactors } from "./factors.js";
import { sendersOf, sumTerms } from "./mean.js";
import { weightsOf, type Weighting } from "./weights.js";

/** The mean of the clients' changes, as terms: Σ w_k·X_k of dense modules, stacked factors of rank Σ r_k of factored ones. */
export function averageProducts(updates: readonly Update[], by: Weighting): Modules[] {
  const senders = sendersOf(updates, weightsOf(updates, by));
  return sumTerms(senders, (pairs, weights) =>
    lowRankOf(stackFactors(pairs.map(factorsOf), weights)),
  );
}
