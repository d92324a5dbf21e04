/**
 * The generator mulberry32 of the reference programs, with 32 bits of state. Only for numbers that reference
 * cases fix. Everything else draws from keyed streams.
 */
export class Mulberry32 {
  #state: number;

  /** @param seed an unsigned 32-bit integer */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1), 32 random bits. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Uniform integer in 0 … `bound` - 1. */
  int(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** Standard normal: Box–Muller on two fresh draws, the second value of the pair unused. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }
}
