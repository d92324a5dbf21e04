import type { Arrival, ClientPool, Work } from "@fedclair/core";

/**
 * Spares the arms of a trial the same work: in round 1 all start from the same params with the same random streams, so
 * the updates collected for the first arm are those of every other one. From round 2 on each arm trains on its own.
 */
export class SharedRoundPool implements ClientPool {
  readonly #inner: ClientPool;
  readonly #first = new Map<string, Arrival>();

  constructor(inner: ClientPool) {
    this.#inner = inner;
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.#inner.ready(signal);
  }

  async *run(work: Work, signal: AbortSignal): AsyncIterable<Arrival> {
    const shared = work.round === 1 && work.kind === "train";
    const known = shared ? work.clientIds.flatMap((id) => this.#first.get(id) ?? []) : [];
    yield* known;
    const clientIds = work.clientIds.filter((id) => !shared || !this.#first.has(id));
    if (clientIds.length === 0) return;
    for await (const arrival of this.#inner.run({ ...work, clientIds }, signal)) {
      if (shared) this.#first.set(arrival.clientId, arrival);
      yield arrival;
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
