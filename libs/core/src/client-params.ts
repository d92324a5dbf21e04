import { addTerms, Products } from "./merge.js";
import { payloadBytes, type Params } from "./tensor.js";
import { deltaBytes, type Delta } from "./update.js";

/**
 * The params of one client: `base`, and what was added to it since, a list of terms a round. Low-rank pairs are kept as
 * pairs: an adapter of a large model is never p×q for every client. Many clients share one base, the same object.
 */
export interface ClientParams {
  readonly base: Params;
  readonly rounds: readonly (readonly Delta[])[];
}

/** The params multiplied out: as if every round's terms had been added, and rounded to the params' dtypes, at its end. */
export async function resolveParams(
  { base, rounds }: ClientParams,
  products = new Products(),
): Promise<Params> {
  let params = base;
  for (const terms of rounds) params = await addTerms(params, terms, products);
  return params;
}

/** Bytes of what was added to the base. */
export function addedBytes({ rounds }: ClientParams): number {
  return rounds.flat().reduce((total, delta) => total + deltaBytes(delta), 0);
}

/**
 * The params after another round's terms. Once the terms outweigh the params themselves they are multiplied out into a
 * base of the client's own.
 */
export async function extendParams(
  { base, rounds }: ClientParams,
  terms: readonly Delta[],
  products: Products,
): Promise<ClientParams> {
  const extended = { base, rounds: [...rounds, terms] };
  if (addedBytes(extended) < payloadBytes(base.values())) return extended;
  return { base: await resolveParams(extended, products), rounds: [] };
}
