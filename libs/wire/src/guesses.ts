/** Wrong tokens of an address that are forgiven at once, and after how long (ms) another one is. */
const burst = 10;
const forgivenAfter = 6_000;

/** An address whose guesses all came at once waits for half a minute, not for as long as they would take one by one. */
const longest = (burst + 5) * forgivenAfter;

/** Addresses that are remembered at most. */
const most = 4096;

/** Counts the wrong tokens of each address: ten at once, and then ten a minute. */
export class Guesses {
  /** When the last of an address's guesses will be forgiven, in ms of `performance.now()`; the oldest entries first. */
  readonly #forgiven = new Map<string, number>();

  count(address: string, now = performance.now()): void {
    const until = Math.max(this.#forgiven.get(address) ?? 0, now) + forgivenAfter;
    const latest = Math.min(until, now + longest);
    this.#forgiven.delete(address);
    this.#forgiven.set(address, latest);
    for (const [other] of this.#forgiven) {
      if (this.#forgiven.size <= most) break;
      this.#forgiven.delete(other);
    }
  }

  areTooMany(address: string, now = performance.now()): boolean {
    const until = this.#forgiven.get(address) ?? 0;
    return until - now > (burst - 1) * forgivenAfter;
  }
}
