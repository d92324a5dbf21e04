/**
 * How many calls of `ask` a host is set back for that broke twice; a further break that follows soon sets it back four times as long as
 * the last, up to a limit. A first one does not: a host that is started again has its share at once.
 */
const shortest = 32;
const growth = 4;
const longest = 512;

interface Pause {
  readonly calls: number;
  /** The call from which on it is over. */
  readonly until: number;
}

/** Hosts that broke. A line that comes and goes would else cost the clients of each round in which it goes. */
export class Breaks {
  /** Which call of `ask` this is. */
  #call = 0;
  readonly #pauses = new Map<string, Pause>();

  /** The next call of `ask`. */
  next(): void {
    this.#call++;
    for (const [who, { calls, until }] of this.#pauses) {
      if (until + Math.max(calls, shortest) < this.#call) this.#pauses.delete(who);
    }
  }

  count(who: string): void {
    const last = this.#pauses.get(who)?.calls;
    const calls = last === undefined ? 0 : Math.min(Math.max(last * growth, shortest), longest);
    this.#pauses.set(who, { calls, until: this.#call + calls });
  }

  /** The call of `ask` from which on a host of that name that joins now is as good as any other. */
  until(who: string): number {
    return this.#pauses.get(who)?.until ?? 0;
  }

  isOver(until: number): boolean {
    return until <= this.#call;
  }
}
