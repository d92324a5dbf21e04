import type { Contaminated, Contamination } from "./contamination.js";
import type { Arrival, ClientPool, Work } from "./contracts.js";
import type { Update } from "./update.js";

/**
 * Gives omniscient attacks the sight of a round that only a simulation can: holds the updates of their clients back until
 * all others are in, then lets the attack rewrite them.
 */
export class ForgingPool implements ClientPool {
  readonly #inner: ClientPool;
  readonly #contamination: Contamination;

  constructor(inner: ClientPool, contamination: Contamination) {
    this.#inner = inner;
    this.#contamination = contamination;
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.#inner.ready(signal);
  }

  async *run(work: Work, signal: AbortSignal): AsyncIterable<Arrival> {
    const honest = new Map<string, Update>();
    const heldBack = new Map<Contaminated, Map<string, Update>>();
    for await (const arrival of this.#inner.run(work, signal)) {
      const contaminated = this.#contamination.get(arrival.clientId);
      if ("update" in arrival && work.kind === "train" && contaminated?.attack.forge) {
        const own = heldBack.get(contaminated) ?? new Map<string, Update>();
        heldBack.set(contaminated, own.set(arrival.clientId, arrival.update));
        continue;
      }
      if ("update" in arrival && !contaminated) honest.set(arrival.clientId, arrival.update);
      yield arrival;
    }
    const inCohortOrder = (updates: ReadonlyMap<string, Update>) =>
      work.clientIds.flatMap((id) => updates.get(id) ?? []);
    for (const [{ attack, common }, own] of heldBack) {
      const rng = common.at("forge", work.phase, work.round);
      const forged = attack.forge?.(inCohortOrder(own), inCohortOrder(honest), rng) ?? [];
      for (const update of forged) {
        const { clientId } = update;
        const refusal = work.admit(update);
        yield refusal ? { clientId, failure: refusal } : { clientId, update };
      }
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
