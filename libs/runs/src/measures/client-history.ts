import type { Metrics } from "@fedclair/core";
import type { ClientRecord } from "@fedclair/core/internal";
import type { Interval } from "./intervals.js";
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
  readonly roundsUndecided: number;
  /** The lowest and highest score over threshold of the rounds that flagged it by its score. */
  readonly flaggedRatio?: Interval;
  /** The highest score over threshold of all rounds. */
  readonly highestRatio?: number;
  /** The client's most recent measurements. */
  readonly evaluation: Metrics;
}

/** The histories of more clients would fill the memory, and no page lists as many. */
const maxClients = 50_000;

/**
 * Follows clients while the rounds of an arm come in. If more than 50,000 take part, only clients
 * at evenly spaced places among the registered ones are followed. The spacing is a power of two.
 */
export class HistoryTally {
  #spacing = 1;
  #clients = new Map<string, ClientHistory>();

  add(round: number, clients: readonly ClientRecord[]): void {
    for (const client of clients) {
      if (!isSpaced(client.clientId, this.#spacing)) continue;
      const before = this.#clients.get(client.clientId);
      const ratio = scoreRatio(client);
      const flaggedRatio =
        ratio !== undefined && isFlagged(client)
          ? {
              low: Math.min(ratio, before?.flaggedRatio?.low ?? Infinity),
              high: Math.max(ratio, before?.flaggedRatio?.high ?? -Infinity),
            }
          : before?.flaggedRatio;
      const highestRatio =
        ratio === undefined
          ? before?.highestRatio
          : Math.max(ratio, before?.highestRatio ?? -Infinity);
      const roundsJudged = (before?.roundsJudged ?? 0) + Number(client.verdict !== undefined);
      // A phase in which the aggregator judges no client must not replace an earlier verdict.
      const isNewer = client.verdict !== undefined || client.failure !== null || roundsJudged === 0;
      this.#clients.set(client.clientId, {
        last: before && !isNewer ? before.last : { ...client, round },
        roundsJudged,
        roundsFlagged: (before?.roundsFlagged ?? 0) + Number(isFlagged(client)),
        roundsUndecided: (before?.roundsUndecided ?? 0) + Number(client.verdict === "undecided"),
        ...(flaggedRatio && { flaggedRatio }),
        ...(highestRatio !== undefined && { highestRatio }),
        evaluation: client.evaluation ?? before?.evaluation ?? {},
      });
      if (this.#clients.size > maxClients) this.#double();
    }
  }

  /** The number of registered clients of which one is followed. */
  get spacing(): number {
    return this.#spacing;
  }

  #double(): void {
    this.#spacing *= 2;
    const kept = [...this.#clients].filter(([id]) => isSpaced(id, this.#spacing));
    this.#clients = new Map(kept);
  }

  /** The histories by client id, in the order of first appearance. */
  get clients(): ReadonlyMap<string, ClientHistory> {
    return this.#clients;
  }
}

/** The score of a client over its threshold; undefined unless it has both. */
export function scoreRatio({
  score,
  threshold,
}: Pick<ClientRecord, "score" | "threshold">): number | undefined {
  if (score == null || threshold == null || threshold <= 0) return undefined;
  return score / threshold;
}

/** Is the client among every `spacing`-th of the registered ones? */
export function isSpaced(clientId: string, spacing: number): boolean {
  return spacing === 1 || clientNumber(clientId) % spacing === 0;
}

/** The place of a client among the registered ones. Its id is `c` and this number. */
export function clientNumber(clientId: string): number {
  // Digit by digit, without a string in between, because reports ask it a few million times.
  let number = 0;
  for (let i = 1; i < clientId.length; i++) {
    const digit = clientId.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return NaN;
    number = 10 * number + digit;
  }
  return number;
}
