import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Artifact, Trial } from "@fedclair/core";
import {
  armsOf,
  readLines,
  readSummary,
  type Arm,
  type ArmRecord,
  type ArmTiming,
  type Summary,
} from "@fedclair/runs";
import { parse } from "yaml";

/** What a run folder holds, as far as the run came. */
export interface Run {
  readonly trial: Trial;
  /** The method under study first. */
  readonly arms: readonly [Arm, ...Arm[]];
  readonly records: readonly ArmRecord[];
  readonly timings: readonly ArmTiming[];
  readonly artifacts: readonly Artifact[];
  /** Absent of a run that was stopped before its end. */
  readonly summary: Summary | undefined;
}

export async function readRun(folder: string): Promise<Run> {
  // Written by RunFolder from a trial that passed its schema.
  const trial = parse(await readFile(join(folder, "trial.yaml"), "utf8")) as Trial;
  return {
    trial,
    arms: armsOf(trial),
    records: await readLines<ArmRecord>(folder, "records.jsonl"),
    timings: await readLines<ArmTiming>(folder, "timings.jsonl"),
    artifacts: await readLines<Artifact>(folder, "artifacts.jsonl"),
    summary: await readSummary(folder),
  };
}

/** The records of the method under study, in the order of rounds. */
export function studied({ arms: [main], records }: Run): ArmRecord[] {
  return records.filter(({ arm }) => arm === main.label);
}
