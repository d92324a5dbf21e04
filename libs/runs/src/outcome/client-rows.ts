import type { Metrics, VerdictStatus } from "@fedclair/core";
import { clientIds, printable, type ClientRecord, type Failure } from "@fedclair/core/internal";
import type { TrialDescription } from "../description.js";
import type { Run } from "../run.js";
import { isFlagged, clientTruth, truthText } from "../truth.js";

/** How a verdict differs from the truth. */
export type Mistake = "missed" | "false alarm";

/** One client, as of the last round that judged it or in which it failed. */
export interface ClientRow {
  readonly clientId: string;
  /** Undefined of a client that was never sampled. */
  readonly round: number | undefined;
  /** The id, and the name if there is one: `c07 Lincoln`. */
  readonly display: string;
  /** The attack of a contaminated client, else `benign` or `unknown`. */
  readonly truth: string;
  readonly isContaminated: boolean;
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
 * Every client of the trial, with its truth, last verdict and history under the method of study: those that were sampled
 * first, the contaminated before the benign, by attack, then by id. Cohorts differ between rounds: the last one alone would
 * hide whom an earlier one caught. Of those that were never sampled, of whom there may be a million, the first 300. Empty without a round.
 */
export function clientRows(run: Pick<Run, "trial" | "description" | "clients">): ClientRow[] {
  const { description, clients } = run;
  if (clients.size === 0) return [];
  const seen: LastSeen[] = [...clients.values()].map(({ last }) => last).sort(byTruth);
  return [...seen, ...neverSampled(run)].map((client) => ({
    clientId: client.clientId,
    round: client.round,
    display: displayName(client.clientId, description),
    truth: truthText(client),
    isContaminated: clientTruth(client) === "contaminated",
    verdict: client.verdict,
    score: client.score ?? null,
    threshold: client.threshold ?? null,
    reason: client.reason,
    mistake: findMistake(client),
    roundsFlagged: clients.get(client.clientId)?.roundsFlagged ?? 0,
    roundsJudged: clients.get(client.clientId)?.roundsJudged ?? 0,
    evaluation: clients.get(client.clientId)?.evaluation ?? {},
    failure: client.failure,
  }));
}

type LastSeen = ClientRecord & { readonly round: number | undefined };

const mostNever = 300;

function neverSampled({
  trial,
  description,
  clients,
}: Pick<Run, "trial" | "description" | "clients">): LastSeen[] {
  const { attacks, unknown } = description;
  const rows: LastSeen[] = [];
  let benign = 0;
  for (const clientId of clientIds(trial.clients)) {
    if (clients.has(clientId)) continue;
    const attack = attacks.get(clientId) ?? null;
    const isUnknown = unknown.has(clientId);
    // These come last.
    if (attack === null && !isUnknown && ++benign > mostNever) continue;
    const truth = isUnknown && { truth: "unknown" as const };
    rows.push({ clientId, attack, ...truth, failure: null, round: undefined });
  }
  return rows.sort(byTruth).slice(0, mostNever);
}

const truths = ["contaminated", "unknown", "benign"] as const;

/** The contaminated first, the benign last, then by attack, then by id; ids of one trial are of equal length. */
export function byTruth(a: ClientRecord, b: ClientRecord): number {
  return (
    truths.indexOf(clientTruth(a)) - truths.indexOf(clientTruth(b)) ||
    compare(a.attack ?? "", b.attack ?? "") ||
    compare(a.clientId, b.clientId)
  );
}

/** None of an undecided verdict, which says nothing that could be wrong, nor where the truth is unknown. */
export function findMistake(client: ClientRecord): Mistake | undefined {
  const { verdict } = client;
  const truth = clientTruth(client);
  if (verdict === undefined || verdict === "undecided" || truth === "unknown") return undefined;
  if (truth === "contaminated") return isFlagged(client) ? undefined : "missed";
  return isFlagged(client) ? "false alarm" : undefined;
}

export function displayName(clientId: string, { label }: TrialDescription): string {
  const name = label(clientId);
  return printable(name === "" || name === clientId ? clientId : `${clientId} ${name}`, 200);
}

/** By code unit, so that the order does not depend on the machine's language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
