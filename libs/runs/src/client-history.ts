import type { Metrics } from "@fedclair/core";
import type { ClientRecord } from "@fedclair/core/internal";
import { isFlagged } from "./truth.js";

/** What is known of a client after some rounds of a method. */
export interface ClientHistory {
  /** Of the last round that judged it or in which it failed; its last one where none did. */
  readonly last: ClientRecord & { readonly round: number };
  readonly roundsJudged: number;
  readonly roundsFlagged: number;
  /** Whenever it measured last. */
  readonly evaluation: Metrics;
}

/** Follows clients, while the rounds of a method come in. */
export class ClientHistories {
  readonly #clients = new Map<string, ClientHistory>();

  add(round: number, clients: readonly ClientRecord[]): void {
    for (const client of clients) {
      const before = this.#clients.get(client.clientId);
      const roundsJudged = (before?.roundsJudged ?? 0) + Number(client.verdict !== undefined);
      // A phase in which the aggregator has no say leaves an earlier verdict standing.
      const tells = client.verdict !== undefined || client.failure !== null || roundsJudged === 0;
      this.#clients.set(client.clientId, {
        last: before && !tells ? before.last : { ...client, round },
        roundsJudged,
        roundsFlagged: (before?.roundsFlagged ?? 0) + Number(isFlagged(client)),
        evaluation: client.evaluation ?? before?.evaluation ?? {},
      });
    }
  }

  /** By id, in the order in which they came. */
  get clients(): ReadonlyMap<string, ClientHistory> {
    return this.#clients;
  }
}
