import { printable } from "@fedclair/core/internal";
import type { HostRegistry } from "./host-registry.js";
import { formatRange } from "../join/signed-token.js";

/** Maximum length of the sentence about ranges of clients, in bytes. */
const maxRangesText = 200;

/** Explains to people why the joined hosts cannot begin, and what to change. */
export function explainNotReady(registry: HostRegistry, url: string): string {
  const { sessions, unplacedClients, clientIds } = registry;
  const preparing = sessions.filter(({ ready }) => !ready).length;
  if (preparing > 0) {
    return (
      `${preparing} of ${sessions.length} joined hosts are not ready, they still prepare the trial: ` +
      "raise limits.joinSeconds, or see what the task's create() waits for"
    );
  }
  const strangers = unplacedClients.filter((id) => registry.isExternal(id)).length;
  const missing =
    registry.kinds.length > 1
      ? `; without a place are ${unplacedClients.length - strangers} simulated and ${strangers} that hosts of their own bring`
      : "";
  return (
    `joined hosts hold ${clientIds.length - unplacedClients.length} of ${clientIds.length} clients${missing}: ` +
    `start more hosts, or hosts with more capacity, for ${url}${formatRanges(registry)}`
  );
}

/**
 * Lists the ranges of clients in the hosts' tokens: a host with room may be allowed only some
 * clients.
 */
function formatRanges({ sessions }: HostRegistry): string {
  const ranges = sessions.flatMap(({ clients }) => (clients ? [formatRange(clients)] : []));
  if (ranges.length === 0) return "";
  return printable(`; tokens of those that joined are for ${ranges.join(", ")}`, maxRangesText);
}
