import { rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { ClientRunner, exitCodes, MemoryPool } from "@fedclair/core/internal";
import type { ChosenBackend } from "../backend.js";
import { runFaults } from "../faults.js";
import { recordTrial } from "../record-trial.js";
import { readSummary, removeRun, findRun, type StoredRun } from "../store/held-run.js";
import { InUse } from "../store/lock.js";
import type { Summary } from "../summary.js";
import type { SweepTrial } from "./sweep-file.js";

/** Why a trial has no numbers, and the exit code that tells of it. */
export interface Failed {
  readonly failed: string;
  readonly exitCode: number;
}

/** A trial of the grid that is over. */
export interface FinishedTrial {
  readonly trial: SweepTrial;
  /** Its numbers, or why there are none. */
  readonly outcome: Summary | Failed;
  /** What its numbers do not tell: clients that were lost, methods that could not go on. */
  readonly faults: readonly UserError[];
  /** It had been run before. */
  readonly skipped: boolean;
}

/**
 * Runs a trial of a sweep in this process, in the folder `<out>/<id>`, unless it is done: a summary of the same backend is there,
 * and no method of it could not go on. One that was cut off goes on.
 * @param backend the TensorFlow.js backend that trains, and why
 * @returns `busy` if another process runs it: a folder that several can reach is a queue of which each takes what is left
 * @throws the signal's reason when it aborts
 */
export async function runSweepTrial(
  trial: SweepTrial,
  out: string,
  signal: AbortSignal,
  backend: ChosenBackend,
): Promise<FinishedTrial | "busy"> {
  signal.throwIfAborted();
  const folder = join(out, trial.id);
  const held = await findRun(folder).catch(async () => {
    await rm(folder, { recursive: true, force: true }); // what an earlier release left
    return undefined;
  });
  if (held?.status === "running") return "busy";
  const isGood = held !== undefined && goesOn(held, backend.name);
  if (held?.summary && isGood) return doneIn(trial, held.summary, true);
  const prepared = await trial.prepare();
  const pool = new MemoryPool(new ClientRunner(prepared));
  try {
    if (held && !isGood) await removeRun(held);
    const outcome = await recordTrial({
      prepared,
      pool,
      out: folder,
      resumes: true,
      signal,
      backend: () => backend.name,
      chosen: backend,
    });
    return doneIn(trial, outcome, false);
  } catch (error) {
    if (error instanceof InUse) return "busy";
    // One trial that cannot be had leaves a hole in the tables, and the others their numbers.
    if (signal.aborted) throw error;
    return { trial, outcome: failureOf(error), faults: [], skipped: false };
  } finally {
    await pool.close();
  }
}

/** A trial that lies done in the folder of its sweep, and need not be run; undefined of any other. */
export async function findFinished(
  trial: SweepTrial,
  out: string,
  backend: string,
): Promise<FinishedTrial | undefined> {
  const held = await findRun(join(out, trial.id)).catch(() => undefined);
  return held?.summary && goesOn(held, backend) ? doneIn(trial, held.summary, true) : undefined;
}

/** What another process has just run: also where a method of it could not go on. Undefined if it is not there. */
export async function readFinishedElsewhere(
  trial: SweepTrial,
  out: string,
): Promise<FinishedTrial | undefined> {
  const summary = await readSummary(join(out, trial.id));
  return summary && doneIn(trial, summary, false);
}

function doneIn(trial: SweepTrial, outcome: Summary, skipped: boolean): FinishedTrial {
  return { trial, outcome, faults: runFaults(trial.trial, outcome), skipped };
}

/** Is it of the same backend, and is no method of it one that could not go on? */
function goesOn({ info, summary }: StoredRun, backend: string): boolean {
  return info.backend === backend && Object.keys(summary?.stopped ?? {}).length === 0;
}

function failureOf(error: unknown): Failed {
  return {
    failed: error instanceof Error ? error.message : String(error),
    exitCode: error instanceof UserError ? error.exitCode : exitCodes.internal,
  };
}
