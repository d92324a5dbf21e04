import type { Metrics, VerdictStatus } from "@fedclair/core";
import { clientIdAt, printable, type ClientRecord } from "@fedclair/core/internal";
import type { TrialDescription } from "../measures/description.js";
import type { Run } from "../run/read-run.js";
import { farthestText } from "./farthest-text.js";
import { isFlagged, clientTruth, truthText } from "../measures/truth.js";

/** A verdict that contradicts the truth. */
type Mistake = "missed" | "false alarm";

/** One client, as of the last round that judged it or in which it failed. */
export interface ClientRow extends Pick<ClientRecord, "clientId" | "failure"> {
  /** Undefined for a client that never took part. */
  readonly round: number | undefined;
  /** The id, followed by the name if there is one: `c07 Lincoln`. */
  readonly display: string;
  /** The attack of a contaminated client, else `benign` or `unknown`. */
  readonly truth: string;
  readonly isContaminated: boolean;
  /** Undefined if the aggregator does not judge clients, or if the client failed. */
  readonly verdict: VerdictStatus | undefined;
  readonly score: number | null;
  /** Scores above the threshold are flagged. Null if no client is flagged by its score. */
  readonly threshold: number | null;
  /** The reason, if score and threshold do not explain the verdict. */
  readonly reason: string | undefined;
  /** The module in which the client differs most from benign ones, in words; see `farthestText`. */
  readonly farthest: string | undefined;
  readonly mistake: Mistake | undefined;
  /** Number of rounds that flagged the client, out of `roundsJudged`. */
  readonly roundsFlagged: number;
  readonly roundsJudged: number;
  /** The most recent metrics of its new params on its own data. */
  readonly evaluation: Metrics;
}

/**
 * Lists the clients of the trial with their truth, last verdict and history in the main arm.
 * Sampled clients come first. Contaminated clients come before benign ones, then the order is by
 * attack and id. All rounds are covered, because cohorts differ and the last one alone would hide
 * clients that an earlier round flagged. Clients that never took part may number a million, so
 * only the first 300 are listed. Without a round the list is empty. If the histories are those of
 * evenly spaced clients, so are the rows.
 */
export function clientRows(
  run: Pick<Run, "trial" | "description" | "clients" | "spacing">,
): ClientRow[] {
  const { description, clients } = run;
  if (clients.size === 0) return [];
  const sampled: LastRecord[] = [...clients.values()].map(({ last }) => last).sort(byTruth);
  return [...sampled, ...listNeverSampled(run)].map((client) => ({
    clientId: client.clientId,
    round: client.round,
    display: displayName(client.clientId, description),
    truth: truthText(client),
    isContaminated: clientTruth(client) === "contaminated",
    verdict: client.verdict,
    score: client.score ?? null,
    threshold: client.threshold ?? null,
    reason: client.reason,
    farthest: farthestText(client),
    mistake: findMistake(client),
    roundsFlagged: clients.get(client.clientId)?.roundsFlagged ?? 0,
    roundsJudged: clients.get(client.clientId)?.roundsJudged ?? 0,
    evaluation: clients.get(client.clientId)?.evaluation ?? {},
    failure: client.failure,
  }));
}

type LastRecord = ClientRecord & { readonly round: number | undefined };

const maxNeverSampled = 300;

function listNeverSampled({
  trial,
  description,
  clients,
  spacing,
}: Pick<Run, "trial" | "description" | "clients" | "spacing">): LastRecord[] {
  const { attacks, unknown } = description;
  const rows: LastRecord[] = [];
  let benign = 0;
  for (let index = 0; index < trial.clients; index += spacing.clients) {
    const clientId = clientIdAt(index, trial.clients);
    if (clients.has(clientId)) continue;
    const attack = attacks.get(clientId) ?? null;
    const isUnknown = unknown.has(clientId);
    // Benign clients come last, so further ones would not be shown.
    if (attack === null && !isUnknown && ++benign > maxNeverSampled) continue;
    const truth = isUnknown && { truth: "unknown" as const };
    rows.push({ clientId, attack, ...truth, failure: null, round: undefined });
  }
  return rows.sort(byTruth).slice(0, maxNeverSampled);
}

const truths = ["contaminated", "unknown", "benign"] as const;

/**
 * Orders contaminated clients first and benign ones last, then by attack, then by id. All ids of a
 * trial have the same length.
 */
export function byTruth(a: ClientRecord, b: ClientRecord): number {
  return (
    truths.indexOf(clientTruth(a)) - truths.indexOf(clientTruth(b)) ||
    compare(a.attack ?? "", b.attack ?? "") ||
    compare(a.clientId, b.clientId)
  );
}

/**
 * Compares a client's verdict with the truth. An undecided verdict is never a mistake, and neither
 * is a verdict on a client of unknown truth.
 */
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

/** Compares by code unit, so that the order does not depend on the machine's language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
