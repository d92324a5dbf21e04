import type { ClientRecord } from "@fedclair/core/internal";

/** Is a client contaminated? For clients that are not simulated the truth is unknown. */
export type ClientTruth = "benign" | "contaminated" | "unknown";

export function clientTruth({
  attack,
  truth,
}: Pick<ClientRecord, "attack" | "truth">): ClientTruth {
  if (attack !== null) return "contaminated";
  return truth ?? "benign";
}

/** Is the truth about any of the clients unknown? */
export function isUnknown(clients: readonly ClientRecord[]): boolean {
  return clients.some((client) => clientTruth(client) === "unknown");
}

/**
 * Returns what tables and pages call the clients that measure and that can be lost. Clients of
 * unknown truth cannot be called benign.
 */
export function measuringClients({ truth }: { readonly truth?: "unknown" | undefined }): string {
  return truth === "unknown" ? "clients not known to be contaminated" : "benign clients";
}

/** Returns what tables and figures show as a client's truth: its attack, `benign` or `unknown`. */
export function truthText(client: Pick<ClientRecord, "attack" | "truth">): string {
  return client.attack ?? clientTruth(client);
}

/**
 * Was a client flagged? Its update is then excluded from what the benign clients share, and the
 * verdict gives the reason.
 */
export function isFlagged({
  verdict,
}: {
  readonly verdict?: ClientRecord["verdict"] | undefined;
}): boolean {
  return verdict === "contaminated" || verdict === "invalid";
}
