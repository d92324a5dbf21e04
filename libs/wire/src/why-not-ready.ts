import { printable } from "@fedclair/core/internal";
import type { Roster } from "./roster.js";
import { formatRange } from "./signed-token.js";

/** Bytes of a sentence at most that names ranges of clients. */
const maxRangesText = 200;

/** @returns for people, why the hosts that have joined cannot begin, and what to change */
export function whyNotReady(roster: Roster, url: string): string {
  const { sessions, homeless, clientIds } = roster;
  const preparing = sessions.filter(({ ready }) => !ready).length;
  if (preparing > 0) {
    return (
      `${preparing} of ${sessions.length} joined hosts are not ready, they still prepare the trial: ` +
      "raise limits.joinSeconds, or see what the task's prepare() waits for"
    );
  }
  const strangers = homeless.filter((id) => roster.isExternal(id)).length;
  const whose =
    roster.kinds.length > 1
      ? `; without a place are ${homeless.length - strangers} simulated and ${strangers} that hosts of their own bring`
      : "";
  return (
    `joined hosts hold ${clientIds.length - homeless.length} of ${clientIds.length} clients${whose}: ` +
    `start more hosts, or hosts with more capacity, for ${url}${rangesText(roster)}`
  );
}

/** A host with room may be given some clients alone. */
function rangesText({ sessions }: Roster): string {
  const ranges = sessions.flatMap(({ clients }) => (clients ? [formatRange(clients)] : []));
  if (ranges.length === 0) return "";
  return printable(`; tokens of those that joined are for ${ranges.join(", ")}`, maxRangesText);
}
