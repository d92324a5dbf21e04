import { extendParams, resolveTo, type ClientParams, type Keep } from "./client-params.js";
import type { Products } from "./merge.js";
import type { StoredParams } from "./tensor.js";
import type { Delta } from "./update.js";

/** A base, and the terms that are to be added to it. */
interface Fold {
  readonly from: StoredParams;
  readonly terms: readonly Delta[];
}

/**
 * Stores what clients have in common only once. Terms that several clients receive in a round (the
 * same objects) are added to their base, and the clients of that base share the new one. Only a
 * group of more than half of these clients gets a new base. A client that missed a round stays on
 * an older base; with a new base for every such history, each client would soon have p×q matrices
 * of its own. The other clients keep the terms, which they share. Sums are rounded in other places
 * than by `extendParams`, so a trial uses one of the two throughout.
 */
export class CommonBases {
  readonly #products: Products;
  readonly #keep: Keep;
  readonly #givenTo = new Map<Delta, number>();
  readonly #fold: (Fold & { readonly to: Promise<StoredParams> }) | undefined;

  /**
   * @param given the terms of each client in this round
   * @param before the params of each client before the round
   * @param keep where new bases stay
   */
  constructor(
    given: ReadonlyMap<string, readonly Delta[]>,
    before: (clientId: string) => ClientParams,
    products: Products,
    keep: Keep,
  ) {
    this.#products = products;
    this.#keep = keep;
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
    this.#fold = most && {
      ...most,
      to: resolveTo(keep, { base: most.from, rounds: [most.terms] }, products),
    };
  }

  /** The client's params after the round. */
  async extend(before: ClientParams, terms: readonly Delta[]): Promise<ClientParams> {
    const shared = terms.filter((term) => this.#isShared(term));
    if (!this.#fold || !isSame(this.#fold, { from: before.base, terms: shared })) {
      return terms.length === 0 ? before : await this.#extend(before, terms);
    }
    const folded = { base: await this.#fold.to, rounds: before.rounds };
    const own = terms.filter((term) => !this.#isShared(term));
    return own.length === 0 ? folded : await this.#extend(folded, own);
  }

  #extend(before: ClientParams, terms: readonly Delta[]): Promise<ClientParams> {
    return extendParams(before, terms, this.#products, this.#keep);
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
