import type { RoundRecord } from "@fedclair/core/internal";

/**
 * A line of `records.jsonl`. A trial always writes the same bytes, whatever the transport and the
 * number of hosts.
 */
export type ArmRecord = { readonly arm: string } & RoundRecord;
