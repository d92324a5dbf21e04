import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import type { Position } from "../run-trial.js";
import { readState, writeState } from "./state-file.js";

/** All that a run needs to go on after a round. What arms start from stands in it if it cannot be had again. */
export interface Checkpoint extends Position {
  /** Arms that could not go on, and why. */
  readonly stopped: ReadonlyMap<string, string>;
  /** Bytes of the run's logs, by file: what stands behind them is of rounds that were cut off. */
  readonly logs: ReadonlyMap<string, number>;
}

/** How often a checkpoint is written, and how many are kept. */
export interface CheckpointPolicy {
  /** After every so many rounds. Default: 1. */
  readonly every?: number;
  /** The newest so many lie in the folder; those of a finished run go, unless this is given. Default: 1. */
  readonly keep?: number | undefined;
}

const pattern = /^checkpoint-(\d+)$/;

/** @param rounds of all arms together, which numbers it */
export async function writeCheckpoint(
  folder: string,
  rounds: number,
  checkpoint: Checkpoint,
  keep: number,
): Promise<void> {
  await writeState(join(folder, `checkpoint-${rounds}`), checkpoint);
  await dropCheckpoints(folder, keep);
}

/** Removes all but the newest. */
export async function dropCheckpoints(folder: string, keep: number): Promise<void> {
  for (const name of (await checkpointsIn(folder)).slice(keep)) await rm(join(folder, name));
}

/** The newest one; undefined where no round was done. @throws UserError if it cannot be read, with what is left to do */
export async function readCheckpoint(folder: string): Promise<Checkpoint | undefined> {
  const [newest, older] = await checkpointsIn(folder);
  if (newest === undefined) return undefined;
  try {
    return (await readState(join(folder, newest))) as Checkpoint; // written by `writeCheckpoint`
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const way =
      older === undefined ? "run it anew, with --again" : `remove it to go on from ${older}`;
    throw new UserError(`${error.message}: ${way}`);
  }
}

/** Rounds of all arms together that the newest one stands for; 0 where there is none. */
export async function roundsIn(folder: string): Promise<number> {
  const [newest] = await checkpointsIn(folder);
  return newest === undefined ? 0 : numberOf(newest);
}

function numberOf(name: string): number {
  return Number(pattern.exec(name)?.[1]);
}

/** Names of files, the newest first. */
async function checkpointsIn(folder: string): Promise<string[]> {
  return (await readdir(folder))
    .filter((name) => pattern.test(name))
    .sort((a, b) => numberOf(b) - numberOf(a));
}
