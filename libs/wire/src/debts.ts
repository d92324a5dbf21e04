/** Addresses that are remembered at most. */
const mostAddresses = 4096;

/** What a deed costs an address, in ms of waiting; how much of it is lent; and how much it can come to owe. */
export interface Terms {
  readonly costs: number;
  readonly lent: number;
  readonly most: number;
}

/** A wrong token costs six seconds, of which ten are lent: ten guesses at once, and then ten a minute. */
export const guesses: Terms = { costs: 6_000, lent: 9 * 6_000, most: 15 * 6_000 };

/**
 * A connection costs 2.5 ms, and so does a request, of which a second is lent: 400 at once, and then 400 a second, which are a fifth of a core. Whoever
 * would have to wait for more than two seconds is turned away.
 */
export const knocks: Terms = { costs: 2.5, lent: 1_000, most: 3_000 };

/** What addresses owe for what they did: time pays it off. */
export class Debts {
  readonly #terms: Terms;
  /** When an address will have paid, in ms of `performance.now()`; the oldest entries first. */
  readonly #paid = new Map<string, number>();

  constructor(terms: Terms) {
    this.#terms = terms;
  }

  count(address: string, now = performance.now()): void {
    const { costs, most } = this.#terms;
    const debt = Math.min(this.#of(address, now) + costs, most);
    this.#paid.delete(address);
    this.#paid.set(address, now + debt);
    for (const [other] of this.#paid) {
      if (this.#paid.size <= mostAddresses) break;
      this.#paid.delete(other);
    }
  }

  /** How long it takes, in ms, until an address owes no more than is lent. */
  delay(address: string, now = performance.now()): number {
    return Math.max(0, this.#of(address, now) - this.#terms.lent);
  }

  /** Would an address owe more than it can after one more? */
  isFull(address: string, now = performance.now()): boolean {
    return this.#of(address, now) + this.#terms.costs > this.#terms.most;
  }

  #of(address: string, now: number): number {
    return Math.max(0, (this.#paid.get(address) ?? 0) - now);
  }
}
