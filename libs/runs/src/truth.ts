import type { ClientRecord } from "@fedclair/core/internal";

/** Is a client contaminated? Of one that is not simulated nobody knows. */
export type Truth = "benign" | "contaminated" | "unknown";

export function clientTruth({ attack, truth }: Pick<ClientRecord, "attack" | "truth">): Truth {
  if (attack !== null) return "contaminated";
  return truth ?? "benign";
}

/** Is it unknown of any of the clients? */
export function isUnknown(clients: readonly ClientRecord[]): boolean {
  return clients.some((client) => clientTruth(client) === "unknown");
}

/** For tables and pages: the clients that measure, and that may be lost. Nobody knows that one of unknown truth is benign. */
export function measuringClients({ truth }: { readonly truth?: "unknown" | undefined }): string {
  return truth === "unknown" ? "clients not known to be contaminated" : "benign clients";
}

/** For tables and figures: the attack of a contaminated client, else `benign` or `unknown`. */
export function truthText(client: Pick<ClientRecord, "attack" | "truth">): string {
  return client.attack ?? clientTruth(client);
}

/** Flagged means excluded from what the benign share, with a verdict that says why. */
export function isFlagged({ verdict }: Pick<ClientRecord, "verdict">): boolean {
  return verdict === "contaminated" || verdict === "invalid";
}
