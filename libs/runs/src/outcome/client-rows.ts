import type { ClientRecord, Failure, Metrics, VerdictStatus } from "@fedclair/core";
import type { ArmRecord } from "../run-folder.js";
import { isFlagged } from "../summary.js";

/** A name that people know a client by, from its id: `c07` gives `Lincoln`. */
export type ClientLabel = (clientId: string) => string;

/** How a verdict differs from the truth. */
export type Mistake = "missed" | "false alarm";

/** One client, as of the last round that judged it or in which it failed. */
export interface ClientRow {
  readonly clientId: string;
  readonly round: number;
  /** The id, and the name if there is one: `c07 Lincoln`. */
  readonly display: string;
  /** The truth: the attack, null for a benign client. */
  readonly attack: string | null;
  /** Absent without a verdict: no aggregator that judges, or the client failed. */
  readonly verdict: VerdictStatus | undefined;
  readonly score: number | null;
  /** Scores above it are flagged; null: nobody is. */
  readonly threshold: number | null;
  /** Why, where score and threshold do not tell. */
  readonly reason: string | undefined;
  readonly mistake: Mistake | undefined;
  /** Of all rounds that judged this client, in how many was it flagged? */
  readonly roundsFlagged: number;
  readonly roundsJudged: number;
  /** Its new params on its own data, by metric, whenever it measured last. */
  readonly evaluation: Metrics;
  readonly failure: Failure | null;
}

/**
 * Every client that took part, with its truth, last verdict and history: the contaminated by attack, then the benign,
 * each by id. Cohorts differ between rounds: the last one alone would hide whom an earlier one caught.
 * @param records of one arm, in the order of rounds
 */
export function clientRows(records: readonly ArmRecord[], label?: ClientLabel): ClientRow[] {
  const judged = new Map<string, number>();
  const flagged = new Map<string, number>();
  const last = new Map<string, ClientRecord & { readonly round: number }>();
  const evaluations = new Map<string, Metrics>();
  for (const { round, clients } of records) {
    for (const client of clients) {
      const { clientId, evaluation } = client;
      if (client.verdict !== undefined) add(judged, clientId);
      if (isFlagged(client)) add(flagged, clientId);
      if (evaluation) evaluations.set(clientId, evaluation);
      // A phase in which the aggregator has no say leaves an earlier verdict standing.
      const tells = client.verdict !== undefined || client.failure !== null;
      if (tells || !judged.has(clientId)) last.set(clientId, { ...client, round });
    }
  }
  return [...last.values()].sort(byTruth).map((client) => ({
    clientId: client.clientId,
    round: client.round,
    display: displayName(client.clientId, label),
    attack: client.attack,
    verdict: client.verdict,
    score: client.score ?? null,
    threshold: client.threshold ?? null,
    reason: client.reason,
    mistake: mistakeOf(client),
    roundsFlagged: flagged.get(client.clientId) ?? 0,
    roundsJudged: judged.get(client.clientId) ?? 0,
    evaluation: evaluations.get(client.clientId) ?? {},
    failure: client.failure,
  }));
}

/** Contaminated before benign, then by attack, then by id; ids of one trial are of equal length. */
export function byTruth(a: ClientRecord, b: ClientRecord): number {
  if ((a.attack === null) !== (b.attack === null)) return a.attack === null ? 1 : -1;
  return compare(a.attack ?? "", b.attack ?? "") || compare(a.clientId, b.clientId);
}

export function mistakeOf(client: ClientRecord): Mistake | undefined {
  if (client.verdict === undefined) return undefined;
  if (client.attack !== null) return isFlagged(client) ? undefined : "missed";
  return isFlagged(client) ? "false alarm" : undefined;
}

export function displayName(clientId: string, label?: ClientLabel): string {
  const name = label?.(clientId) ?? "";
  return name === "" || name === clientId ? clientId : `${clientId} ${name}`;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** By code unit, so that the order does not depend on the machine's language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
