import { extendParams, type ClientParams } from "./client-params.js";
import { addTerms, type Products } from "./merge.js";
import type { Params } from "./tensor.js";
import type { Delta } from "./update.js";

/** A base, and the terms that are to be added to it. */
interface Fold {
  readonly from: Params;
  readonly terms: readonly Delta[];
}

/**
 * Keeps what clients have in common once: terms that several are given in a round, the same objects, are added to the base
 * that they stand on, and those that stood on one base go on from one. Of all groups only that of most clients does so: one
 * that missed a round stands on an older base for good, and with a base for every such past each client would soon have
 * all modules p×q for itself. The others keep the terms as terms, which they share with one another. Sums are rounded at
 * other places than by `extendParams`, so a trial uses one of the two throughout.
 */
export class CommonBases {
  readonly #products: Products;
  readonly #givenTo = new Map<Delta, number>();
  readonly #fold: (Fold & { readonly to: Promise<Params> }) | undefined;

  /**
   * @param given the terms of every client in this round
   * @param before the params of each of them
   */
  constructor(
    given: ReadonlyMap<string, readonly Delta[]>,
    before: (clientId: string) => ClientParams,
    products: Products,
  ) {
    this.#products = products;
    for (const term of [...given.values()].flat()) {
      this.#givenTo.set(term, (this.#givenTo.get(term) ?? 0) + 1);
    }
    const folds = [...given].flatMap(([id, all]): Fold[] => {
      const terms = all.filter((term) => this.#isShared(term));
      return terms.length === 0 ? [] : [{ from: before(id).base, terms }];
    });
    const most = folds.find(
      (one) => 2 * folds.filter((two) => isSame(one, two)).length > folds.length,
    );
    this.#fold = most && { ...most, to: addTerms(most.from, most.terms, products) };
  }

  /** The client's params after the round. */
  async extend(before: ClientParams, terms: readonly Delta[]): Promise<ClientParams> {
    const shared = terms.filter((term) => this.#isShared(term));
    if (!this.#fold || !isSame(this.#fold, { from: before.base, terms: shared })) {
      return terms.length === 0 ? before : await extendParams(before, terms, this.#products);
    }
    const folded = { base: await this.#fold.to, rounds: before.rounds };
    const own = terms.filter((term) => !this.#isShared(term));
    return own.length === 0 ? folded : await extendParams(folded, own, this.#products);
  }

  #isShared(term: Delta): boolean {
    return (this.#givenTo.get(term) ?? 0) > 1;
  }
}

function isSame(one: Fold, two: Fold): boolean {
  return (
    one.from === two.from &&
    one.terms.length === two.terms.length &&
    one.terms.every((term, i) => term === two.terms[i])
  );
}
