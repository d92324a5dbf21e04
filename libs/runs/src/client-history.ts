import type { Metrics } from "@fedclair/core";
import type { ClientRecord } from "@fedclair/core/internal";
import { isFlagged } from "./truth.js";

/** The history of a client over the rounds of an arm. */
export interface ClientHistory {
  /**
   * The record of the last round that judged the client or in which it failed, or its last record
   * if there is no such round.
   */
  readonly last: ClientRecord & { readonly round: number };
  readonly roundsJudged: number;
  readonly roundsFlagged: number;
  /** The client's most recent measurements. */
  readonly evaluation: Metrics;
}

/** Follows clients while the rounds of an arm come in. */
export class ClientHistories {
  readonly #clients = new Map<string, ClientHistory>();

  add(round: number, clients: readonly ClientRecord[]): void {
    for (const client of clients) {
      const before = this.#clients.get(client.clientId);
      const roundsJudged = (before?.roundsJudged ?? 0) + Number(client.verdict !== undefined);
      // A phase in which the aggregator judges no client must not replace an earlier verdict.
      const isNewer = client.verdict !== undefined || client.failure !== null || roundsJudged === 0;
      this.#clients.set(client.clientId, {
        last: before && !isNewer ? before.last : { ...client, round },
        roundsJudged,
        roundsFlagged: (before?.roundsFlagged ?? 0) + Number(isFlagged(client)),
        evaluation: client.evaluation ?? before?.evaluation ?? {},
      });
    }
  }

  /** The histories by client id, in the order of first appearance. */
  get clients(): ReadonlyMap<string, ClientHistory> {
    return this.#clients;
  }
}
