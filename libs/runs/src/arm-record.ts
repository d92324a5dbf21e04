import type { RoundRecord } from "@fedclair/core/internal";

/** A line of `records.jsonl`: the same bytes for the same trial, whatever the transport and the number of hosts. */
export type ArmRecord = { readonly arm: string } & RoundRecord;
