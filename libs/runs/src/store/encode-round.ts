import type { Artifact } from "@fedclair/core";
import type { Arm, RoundDone, Trial } from "@fedclair/core/internal";
import type { ArmRecord } from "../arm-record.js";
import { encodeForFile, type EncodedRecord } from "./stored-records.js";

/** A round as a run stores it. */
export interface EncodedRound {
  readonly record: ArmRecord;
  /** The record's Parquet file, if the trial has one for each round. */
  readonly encoded?: EncodedRecord | undefined;
  /** The line of `records.jsonl`, or the SHA-256 of the file, with a line feed. */
  readonly line: string;
  /** The lines of `artifacts.jsonl`. */
  readonly artifacts: string;
}

/** Encodes a round. Equal rounds have equal bytes. */
export async function encodeRound(
  { records }: Pick<Trial, "records">,
  arm: Pick<Arm, "label">,
  round: Pick<RoundDone, "record" | "artifacts">,
): Promise<EncodedRound> {
  const record: ArmRecord = { arm: arm.label, ...round.record };
  const artifacts = toLines(
    Object.entries(round.artifacts).map(([name, value]): Artifact => ({
      arm: arm.label,
      round: record.round,
      name,
      value,
    })),
  );
  const encoded = records === "parquet" ? await encodeForFile(record) : undefined;
  return { record, encoded, line: encoded ? `${encoded.text}\n` : toLines([record]), artifacts };
}

/** Returns one line of JSON for each value. */
export function toLines(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value) + "\n").join("");
}
