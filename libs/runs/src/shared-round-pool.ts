import type { Answer, ClientPool, Work } from "@fedclair/core";

/**
 * Spares the arms of a trial the same work: in round 1 all start from the same params with the same random streams, so
 * the updates collected for the first arm are those of every other one, whose cohort is the same or a part of it. From round 2 on each arm trains on its own.
 */
export class SharedRoundPool implements ClientPool {
  readonly #inner: ClientPool;
  #first: Map<string, Answer> | undefined;

  constructor(inner: ClientPool) {
    this.#inner = inner;
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.#inner.ready(signal);
  }

  async *run(work: Work, signal: AbortSignal): AsyncIterable<Answer> {
    if (work.round !== 1 || work.kind !== "train") {
      yield* this.#inner.run(work, signal);
      return;
    }
    if (this.#first) {
      // A client that was late then is late now: asking it again would give this arm what the first one did not have.
      for (const id of work.clientIds) {
        const arrival = this.#first.get(id);
        if (arrival) yield arrival;
      }
      return;
    }
    const first = (this.#first = new Map<string, Answer>());
    for await (const arrival of this.#inner.run(work, signal)) {
      if (signal.aborted) return; // the round is closed, nobody reads on
      first.set(arrival.clientId, arrival);
      yield arrival;
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
