import type { Artifact } from "@fedclair/core";
import type { Arm, RoundDone } from "@fedclair/core/internal";
import type { ArmRecord } from "../measures/arm-record.js";

/** A round as a run stores it. */
export interface EncodedRound {
  readonly record: ArmRecord;
  /** The line of `records.jsonl`. */
  readonly line: string;
  /** The lines of `artifacts.jsonl`. */
  readonly artifacts: string;
}

/** Encodes a round. Equal rounds have equal bytes. */
export function encodeRound(
  arm: Pick<Arm, "label">,
  round: Pick<RoundDone, "record" | "artifacts">,
): EncodedRound {
  const record: ArmRecord = { arm: arm.label, ...round.record };
  const artifacts = toJsonLines(
    Object.entries(round.artifacts).map(([name, value]): Artifact => ({
      arm: arm.label,
      round: record.round,
      name,
      value,
    })),
  );
  return { record, line: toJsonLines([record]), artifacts };
}

/** Returns one line of JSON for each value. */
export function toJsonLines(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value) + "\n").join("");
}
