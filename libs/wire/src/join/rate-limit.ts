/** Maximum number of remembered addresses. */
const maxAddresses = 4096;

/**
 * Terms of a leaky bucket, in ms of waiting: the cost of one attempt, the allowance before an
 * address must wait, and the maximum debt.
 */
export interface DebtLimit {
  readonly cost: number;
  readonly allowance: number;
  readonly maximum: number;
}

/** A wrong token costs six seconds: ten guesses are possible at once, then ten a minute. */
export const guessLimit: DebtLimit = { cost: 6_000, allowance: 9 * 6_000, maximum: 15 * 6_000 };

/**
 * A connection or request costs 2.5 ms, with an allowance of one second: 400 at once and then 400 a
 * second, which take a fifth of a core. An address that would have to wait for more than two
 * seconds is rejected.
 */
export const attemptLimit: DebtLimit = { cost: 2.5, allowance: 1_000, maximum: 3_000 };

/** The debts of addresses for their attempts; they decrease with time. */
export class Debts {
  readonly #limit: DebtLimit;
  /**
   * When an address will have paid its debt, in ms of `performance.now()`; the oldest entries
   * first.
   */
  readonly #paid = new Map<string, number>();

  constructor(limit: DebtLimit) {
    this.#limit = limit;
  }

  count(address: string, now = performance.now()): void {
    const { cost, maximum } = this.#limit;
    const debt = Math.min(this.#debtOf(address, now) + cost, maximum);
    this.#paid.delete(address);
    this.#paid.set(address, now + debt);
    for (const [other] of this.#paid) {
      if (this.#paid.size <= maxAddresses) break;
      this.#paid.delete(other);
    }
  }

  /** @returns how long, in ms, until the debt of an address is within its allowance */
  delay(address: string, now = performance.now()): number {
    return Math.max(0, this.#debtOf(address, now) - this.#limit.allowance);
  }

  /** Whether one more attempt would exceed the maximum debt. */
  isFull(address: string, now = performance.now()): boolean {
    return this.#debtOf(address, now) + this.#limit.cost > this.#limit.maximum;
  }

  #debtOf(address: string, now: number): number {
    return Math.max(0, (this.#paid.get(address) ?? 0) - now);
  }
}
