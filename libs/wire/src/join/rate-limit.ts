/** Maximum number of remembered addresses. */
const maxAddresses = 4096;

/**
 * Settings of a leaky bucket, in ms of waiting: what one attempt adds, the level above which an
 * address must wait, and the maximum level.
 */
export interface BucketLimit {
  readonly cost: number;
  readonly allowance: number;
  readonly maximum: number;
}

/** A wrong token costs six seconds: ten guesses are possible at once, then ten a minute. */
export const guessLimit: BucketLimit = { cost: 6_000, allowance: 9 * 6_000, maximum: 15 * 6_000 };

/**
 * A connection or request costs 2.5 ms, with an allowance of one second: 400 at once and then 400 a
 * second, which take a fifth of a core. An address that would have to wait for more than two
 * seconds is rejected.
 */
export const attemptLimit: BucketLimit = { cost: 2.5, allowance: 1_000, maximum: 3_000 };

/** Leaky buckets that count the attempts of addresses. */
export class RateLimiter {
  readonly #limit: BucketLimit;
  /**
   * When the bucket of an address will be empty, in ms of `performance.now()`; the oldest entries
   * first.
   */
  readonly #emptyAt = new Map<string, number>();

  constructor(limit: BucketLimit) {
    this.#limit = limit;
  }

  count(address: string, now = performance.now()): void {
    const { cost, maximum } = this.#limit;
    const level = Math.min(this.#levelOf(address, now) + cost, maximum);
    this.#emptyAt.delete(address);
    this.#emptyAt.set(address, now + level);
    for (const [other] of this.#emptyAt) {
      if (this.#emptyAt.size <= maxAddresses) break;
      this.#emptyAt.delete(other);
    }
  }

  /** @returns how long, in ms, an address has to wait */
  delay(address: string, now = performance.now()): number {
    return Math.max(0, this.#levelOf(address, now) - this.#limit.allowance);
  }

  /** Whether one more attempt would exceed the maximum level. */
  isFull(address: string, now = performance.now()): boolean {
    return this.#levelOf(address, now) + this.#limit.cost > this.#limit.maximum;
  }

  #levelOf(address: string, now: number): number {
    return Math.max(0, (this.#emptyAt.get(address) ?? 0) - now);
  }
}
