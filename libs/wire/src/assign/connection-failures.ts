/**
 * Number of calls of `ask` for which a host comes last after its second break. Each further break
 * that follows soon multiplies it by `growth`, up to `longest`. A first break has no consequence: a
 * restarted host gets its share at once.
 */
const shortest = 32;
const growth = 4;
const longest = 512;

interface Pause {
  readonly calls: number;
  /** The call at which the pause ends. */
  readonly until: number;
}

/**
 * Remembers hosts whose connection broke. Otherwise an unstable connection would cost the clients
 * of every round in which it breaks.
 */
export class ConnectionFailures {
  /** Number of the current call of `ask`. */
  #call = 0;
  readonly #pauses = new Map<string, Pause>();

  /** Starts the next call of `ask`. */
  nextCall(): void {
    this.#call++;
    for (const [origin, { calls, until }] of this.#pauses) {
      if (until + Math.max(calls, shortest) < this.#call) this.#pauses.delete(origin);
    }
  }

  count(origin: string): void {
    const last = this.#pauses.get(origin)?.calls;
    const calls = last === undefined ? 0 : Math.min(Math.max(last * growth, shortest), longest);
    this.#pauses.set(origin, { calls, until: this.#call + calls });
  }

  /** The call of `ask` from which a host of this name that joins now is treated like any other. */
  until(origin: string): number {
    return this.#pauses.get(origin)?.until ?? 0;
  }

  isOver(until: number): boolean {
    return until <= this.#call;
  }
}
