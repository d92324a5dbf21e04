import type { ClientRecord, Failure, Metrics, VerdictStatus } from "@fedclair/core";
import type { ArmRecord } from "../run-folder.js";
import { isFlagged } from "../summary.js";
import type { ClientLabel } from "./run.js";

/** How a verdict differs from the truth. */
export type Mistake = "missed" | "false alarm";

/** One client of the last round. */
export interface ClientRow {
  readonly clientId: string;
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
  /** Its new params on its own data, by metric. */
  readonly evaluation: Metrics;
  readonly failure: Failure | null;
}

/**
 * The clients of the last round with their truth, verdict and history: the contaminated by attack, then the benign, each
 * by id.
 * @param records of one arm, in the order of rounds
 */
export function clientRows(records: readonly ArmRecord[], label?: ClientLabel): ClientRow[] {
  const judged = new Map<string, number>();
  const flagged = new Map<string, number>();
  for (const client of records.flatMap(({ clients }) => clients)) {
    if (client.verdict !== undefined) add(judged, client.clientId);
    if (isFlagged(client)) add(flagged, client.clientId);
  }
  return [...(records.at(-1)?.clients ?? [])].sort(byTruth).map((client) => ({
    clientId: client.clientId,
    display: displayName(client.clientId, label),
    attack: client.attack,
    verdict: client.verdict,
    score: client.score ?? null,
    threshold: client.threshold ?? null,
    reason: client.reason,
    mistake: mistakeOf(client),
    roundsFlagged: flagged.get(client.clientId) ?? 0,
    roundsJudged: judged.get(client.clientId) ?? 0,
    evaluation: client.evaluation ?? {},
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
