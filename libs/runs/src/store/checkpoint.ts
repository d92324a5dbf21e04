import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import type { Hangs, StoredParams, TrialState } from "@fedclair/core/internal";
import { readState, writeState } from "./state-file.js";

/** A state before the first round, whose params may be on a disk. */
export type StartState = Omit<TrialState, "params"> & { readonly params: StoredParams };

/** The position of a running trial. */
export interface Position {
  /** The state from which all arms start. Default: `startArms` creates it. */
  readonly start?: StartState | undefined;
  /** Index of the current arm, from 0. */
  readonly arm: number;
  /** The state of that arm. Default: its start state. */
  readonly state?: TrialState | undefined;
  /** The hangs of that arm's clients. Default: none. */
  readonly hangs?: ReadonlyMap<string, Hangs> | undefined;
}

/**
 * The state that a run needs to resume after a round. It contains the start of the arms only if
 * that cannot be created again.
 */
export interface Checkpoint extends Position {
  /** Arms that could not go on, with the reason. */
  readonly stopped: ReadonlyMap<string, string>;
  /**
   * Size of each log of the run in bytes. Anything beyond it belongs to rounds that were
   * interrupted.
   */
  readonly logs: ReadonlyMap<string, number>;
  /** Other releases that took part so far. */
  readonly otherReleases: readonly string[];
  /** Arms whose clients have params of their own. */
  readonly personal: readonly string[];
  /** The `trialHash` of the run. */
  readonly hash: string;
  /** The link of the last round (chain.ts). */
  readonly link: string;
}

/** How often a checkpoint is written, and how many are kept. */
export interface CheckpointPolicy {
  /** Number of rounds between checkpoints. Default: 1. */
  readonly every?: number;
  /**
   * Number of checkpoints to keep, including those of a finished run. By default, one is kept until
   * the run is done.
   */
  readonly keep?: number | undefined;
}

const pattern = /^checkpoint-(\d+)$/;

/** The name of the file with the state after this many rounds. */
export function checkpointName(rounds: number): string {
  return `checkpoint-${rounds}`;
}

/** Picks the names of checkpoints among those of a run's files, the newest first. */
export function pickCheckpoints(names: readonly string[]): string[] {
  return names.filter((name) => pattern.test(name)).sort((a, b) => parseRounds(b) - parseRounds(a));
}

/** @param rounds completed rounds of all arms, which number the checkpoint */
export async function writeCheckpoint(
  folder: string,
  rounds: number,
  checkpoint: Checkpoint,
): Promise<void> {
  await writeState(join(folder, checkpointName(rounds)), checkpoint);
}

/** Removes all but the newest checkpoints. */
export async function removeOldCheckpoints(folder: string, keep: number): Promise<void> {
  for (const name of (await listCheckpoints(folder)).slice(keep)) await rm(join(folder, name));
}

/**
 * Reads the newest checkpoint. Returns undefined if no round was completed.
 * @throws UserError with advice if it cannot be read
 */
export async function readCheckpoint(folder: string): Promise<Checkpoint | undefined> {
  const [newest, older] = await listCheckpoints(folder);
  if (newest === undefined) return undefined;
  try {
    return (await readState(join(folder, newest))) as Checkpoint; // written by `writeCheckpoint`
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const way =
      older === undefined ? "start a new run with --again" : `remove it to go on from ${older}`;
    throw new UserError(`${error.message}: ${way}`);
  }
}

/**
 * Lists the numbers of rounds, over all arms, after which there is a checkpoint, the highest first.
 */
export async function listCheckpointRounds(folder: string): Promise<number[]> {
  return (await listCheckpoints(folder)).map(parseRounds);
}

/** Reads the checkpoint after this many rounds. @throws UserError if it cannot be read */
export async function readCheckpointAt(folder: string, rounds: number): Promise<Checkpoint> {
  return (await readState(join(folder, checkpointName(rounds)))) as Checkpoint;
}

/** Returns the number of rounds, over all arms, in the newest checkpoint; 0 if there is none. */
export async function countCheckpointedRounds(folder: string): Promise<number> {
  const [newest = 0] = await listCheckpointRounds(folder);
  return newest;
}

function parseRounds(name: string): number {
  return Number(pattern.exec(name)?.[1]);
}

/** Lists the names of the checkpoint files, the newest first. */
async function listCheckpoints(folder: string): Promise<string[]> {
  return pickCheckpoints(await readdir(folder));
}
