import { extendParams, type ClientParams } from "./client-params.js";
import { addTerms, type Products } from "./merge.js";
import type { Params } from "./tensor.js";
import type { Delta } from "./update.js";

/**
 * Keeps what clients have in common once: a term that several are given in a round, the same object, is added to the base
 * that they stand on, and those that stood on one base go on from one. Sums are rounded at other places than by
 * `extendParams`, so a trial uses one of the two throughout.
 */
export class CommonBases {
  readonly #products: Products;
  readonly #givenTo = new Map<Delta, number>();
  /** New bases, by the old one and the terms that were added to it. */
  readonly #made = new Map<Params, { readonly terms: readonly Delta[]; readonly base: Params }[]>();

  /** @param given the terms of every client in this round */
  constructor(given: ReadonlyMap<string, readonly Delta[]>, products: Products) {
    this.#products = products;
    for (const term of [...given.values()].flat()) {
      this.#givenTo.set(term, (this.#givenTo.get(term) ?? 0) + 1);
    }
  }

  /** The client's params after the round. */
  async extend({ base, rounds }: ClientParams, terms: readonly Delta[]): Promise<ClientParams> {
    const isShared = (term: Delta) => (this.#givenTo.get(term) ?? 0) > 1;
    const before = { base: await this.#baseOf(base, terms.filter(isShared)), rounds };
    const own = terms.filter((term) => !isShared(term));
    return own.length === 0 ? before : await extendParams(before, own, this.#products);
  }

  async #baseOf(old: Params, terms: readonly Delta[]): Promise<Params> {
    if (terms.length === 0) return old;
    const made = this.#made.get(old) ?? [];
    this.#made.set(old, made);
    const known = made.find(
      (one) => one.terms.length === terms.length && one.terms.every((term, i) => term === terms[i]),
    );
    if (known) return known.base;
    const base = await addTerms(old, terms, this.#products);
    made.push({ terms, base });
    return base;
  }
}
