/** Addresses that are remembered at most. */
const mostAddresses = 4096;

/** What addresses owe for what they did, in ms of waiting: time pays it off. */
export class Debts {
  readonly #most: number;
  /** When an address will have paid, in ms of `performance.now()`; the oldest entries first. */
  readonly #paid = new Map<string, number>();

  /** @param most of one address: it waits no longer, whatever it did */
  constructor(most: number) {
    this.#most = most;
  }

  add(address: string, debt: number, now = performance.now()): void {
    const paid = Math.max(this.#paid.get(address) ?? 0, now) + debt;
    this.#paid.delete(address);
    this.#paid.set(address, Math.min(paid, now + this.#most));
    for (const [other] of this.#paid) {
      if (this.#paid.size <= mostAddresses) break;
      this.#paid.delete(other);
    }
  }

  of(address: string, now = performance.now()): number {
    return Math.max(0, (this.#paid.get(address) ?? 0) - now);
  }
}
