import { sum } from "@fedclair/linalg";
import { addTerms, type Products } from "./merge.js";
import { payloadBytes, type Params } from "./tensor.js";
import { deltaBytes, type Delta } from "./update.js";

/** How params came about: what was added to which others. */
export interface Derivation {
  readonly from: Params;
  readonly terms: readonly Delta[];
}

/** Kept as long as the params are; those that they came from are not kept for it. */
const derivations = new WeakMap<Params, { from: WeakRef<Params>; terms: readonly Delta[] }>();

/** `addTerms`, remembered where terms are smaller than params: who has the old params needs only these. */
export async function derive(
  from: Params,
  terms: readonly Delta[],
  products: Products,
): Promise<Params> {
  const params = await addTerms(from, terms, products);
  if (sum(terms.map(deltaBytes)) < payloadBytes(params.values())) {
    derivations.set(params, { from: new WeakRef(from), terms });
  }
  return params;
}

/** Undefined of params that did not come about so, or where those that they came from are gone. */
export function derivationOf(params: Params): Derivation | undefined {
  const { from, terms = [] } = derivations.get(params) ?? {};
  const before = from?.deref();
  return before && { from: before, terms };
}
