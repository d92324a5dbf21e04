import { addTerms, type Products } from "./merge.js";
import { payloadBytes, type Params } from "./tensor.js";
import { deltaBytes, type Delta } from "./update.js";
import { sum } from "@fedclair/linalg";

/** How params came about: what was added to which others. */
export interface Origin {
  readonly from: Params;
  readonly terms: readonly Delta[];
}

/** Kept as long as the params are; those that they came from are not kept for it. */
const origins = new WeakMap<Params, { from: WeakRef<Params>; terms: readonly Delta[] }>();

/** `addTerms`, remembered where terms are smaller than params: who has the old params needs only these. */
export async function derive(
  from: Params,
  terms: readonly Delta[],
  products: Products,
): Promise<Params> {
  const params = await addTerms(from, terms, products);
  if (sum(terms.map(deltaBytes)) < payloadBytes(params.values())) {
    origins.set(params, { from: new WeakRef(from), terms });
  }
  return params;
}

/** Undefined of params that did not come about so, or whose origin is gone. */
export function originOf(params: Params): Origin | undefined {
  const { from, terms = [] } = origins.get(params) ?? {};
  const before = from?.deref();
  return before && { from: before, terms };
}
