import { copyFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import type { Trial } from "@fedclair/core/internal";
import { stringify } from "yaml";
import type { ArmTiming } from "./arm-timing.js";
import { trialHash } from "./trial-hash.js";
import { linkTimings, storedRounds } from "./record-chain.js";
import { listCheckpointRounds, readCheckpointAt, writeCheckpoint } from "./checkpoint.js";
import { writeJson, writeWhole } from "./atomic-files.js";
import { toJsonLines } from "./encode-round.js";
import { readLines } from "./lines.js";
import { makeFolder } from "./make-folder.js";
import type { StoredRun } from "./stored-run.js";

/** A run from which a run of another trial takes over the first rounds. */
interface Fork {
  readonly source: Pick<StoredRun, "folder" | "info">;
  /** The folder of the new run, which must not exist. */
  readonly to: string;
  /** The trial of the new run. */
  readonly trial: Trial;
  /** The trial as it should appear in `trial.yaml`. */
  readonly written: unknown;
  /** The first round of the main arm in which the two trials differ. */
  readonly before: number;
}

/** The folder of a run without some clients from a round on: next to the run, by their names. */
export function replayFolder(folder: string, without: readonly string[], from: number): string {
  const [first = "", ...others] = without;
  const names = others.length < 3 ? without.join("-") : `${first}-and-${others.length}-more`;
  return `${folder.replace(/\/+$/, "")}-without-${names}${from > 1 ? `-from-${from}` : ""}`;
}

/**
 * Copies the first rounds of a run, up to its last checkpoint before a given round, to a new folder
 * as an interrupted run of another trial. When that is resumed, it ends with the same bytes as a
 * new run of that trial.
 * @returns the number of copied rounds; 0 if there is no such checkpoint, and then nothing is
 *   written
 * @throws UserError if the folder exists, or the checkpoint cannot be read
 */
export async function forkRun({ source, to, trial, written, before }: Fork): Promise<number> {
  const { folder, info } = source;
  const rounds = (await listCheckpointRounds(folder)).find((count) => count < before) ?? 0;
  if (rounds === 0) return 0;
  const checkpoint = await readCheckpointAt(folder, rounds);
  if (checkpoint.hash !== info.hash) return 0;
  if (!(await makeFolder(to)))
    throw new UserError(`the folder '${to}' exists: choose another one by --out`);
  try {
    const hash = trialHash(trial);
    const { link, timings: linked } = await linkTimings(
      hash,
      linesOfRounds(folder, checkpoint.logs.get("records.jsonl")),
      await readLines<ArmTiming>(folder, "timings.jsonl"),
    );
    const timings = toJsonLines(linked);
    await writeWhole(join(to, "timings.jsonl"), timings);
    const logs = new Map(checkpoint.logs).set("timings.jsonl", Buffer.byteLength(timings));
    for (const [file, bytes] of logs) {
      if (file === "timings.jsonl") continue;
      await copyFile(join(folder, file), join(to, file));
      await truncate(join(to, file), bytes);
    }
    await writeCheckpoint(to, rounds, { ...checkpoint, hash, link, logs });
    await writeWhole(join(to, "trial.yaml"), stringify(written));
    const begun = { ...info, hash, started: new Date().toISOString() };
    await writeJson(join(to, "run.json"), begun);
    return rounds;
  } catch (error) {
    await rm(to, { recursive: true, force: true });
    throw error;
  }
}

/** Reads what the links of a run's first rounds cover. */
async function* linesOfRounds(folder: string, bytes?: number): AsyncGenerator<string> {
  for await (const { lines } of storedRounds(folder, bytes)) yield lines;
}
