import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Artifact, Trial } from "@fedclair/core";
import { parse } from "yaml";
import { armsOf, type Arm, type ArmRecord } from "./arms.js";
import type { TrialDescription } from "./description.js";
import { readSummary } from "./store/held-run.js";
import { readLines } from "./store/lines.js";
import type { ArmTiming } from "./store/run-folder.js";
import { summarise, type Summary } from "./summary.js";

/** What a run folder holds, as far as the run came. */
export interface Run {
  readonly trial: Trial;
  readonly description: TrialDescription;
  /** The method under study first. */
  readonly arms: readonly [Arm, ...Arm[]];
  readonly records: readonly ArmRecord[];
  readonly timings: readonly ArmTiming[];
  readonly artifacts: readonly Artifact[];
  /** Of the records; of a run that was stopped before its end, of as many as there are. */
  readonly summary: Summary;
  /** Did the run come to its end? */
  readonly isFinished: boolean;
}

export async function readRun(folder: string, description: TrialDescription): Promise<Run> {
  // Written by RunFolder from a trial that passed its schema.
  const trial = parse(await readFile(join(folder, "trial.yaml"), "utf8")) as Trial;
  const records = await readLines<ArmRecord>(folder, "records.jsonl");
  const written = await readSummary(folder);
  const stopped = new Map(Object.entries(written?.stopped ?? {}));
  return {
    ...{ trial, description, arms: armsOf(trial), records },
    timings: await readLines<ArmTiming>(folder, "timings.jsonl"),
    artifacts: await readLines<Artifact>(folder, "artifacts.jsonl"),
    summary: { ...written, ...summarise(trial, description.metrics, records, stopped) },
    isFinished: written !== undefined,
  };
}

/** The records of an arm, in the order of rounds. */
export function recordsOf({ records }: Pick<Run, "records">, label: string): ArmRecord[] {
  return records.filter(({ arm }) => arm === label);
}

/** The records of the method under study, in the order of rounds. */
export function studied(run: Pick<Run, "records" | "arms">): ArmRecord[] {
  return recordsOf(run, run.arms[0].label);
}
