/**
 * The mulberry32 generator of the reference programs, with 32 bits of state. Use it only for
 * numbers that reference cases fix. Everything else draws from keyed streams.
 */
export class Mulberry32 {
  #state: number;

  /** @param seed an unsigned 32-bit integer */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns a number that is uniform in [0, 1), with 32 random bits. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns a uniform integer in 0 … `bound` - 1. */
  int(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /**
   * Returns a standard normal number. Box–Muller uses two fresh draws each time and discards the
   * second value of the pair.
   */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }
}
