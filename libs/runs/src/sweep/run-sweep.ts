import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ClientRunner, exitCodes, MemoryPool, UserError, type Plugins } from "@fedclair/core";
import { faultsOf } from "../faults.js";
import { recordTrial } from "../record-trial.js";
import { runIn, type HeldRun } from "../store/held-run.js";
import { makeFolder } from "../store/make-folder.js";
import type { Summary } from "../summary.js";
import { idPattern, type Sweep, type SweepTrial } from "./sweep-file.js";

/** Why a trial has no numbers, and the exit code that tells of it. */
export interface Failed {
  readonly failed: string;
  readonly exitCode: number;
}

/** A trial of the grid that is over. */
export interface Done {
  readonly trial: SweepTrial;
  /** Its numbers, or why there are none. */
  readonly outcome: Summary | Failed;
  /** What its numbers do not tell: clients that were lost, methods that could not go on. */
  readonly faults: readonly UserError[];
  /** It had been run before. */
  readonly skipped: boolean;
}

/**
 * Runs the trials of a sweep one after another in this process, those left out that are done: a trial's folder is
 * `<out>/<id>`, and it is done when a summary of the same backend is there and no method of it could not go on.
 * @param backend the TensorFlow.js backend that trains
 * @throws UserError if `out` holds other things than a sweep; the signal's reason when it aborts
 */
export async function* runSweep(
  { trials }: Sweep,
  plugins: Plugins,
  out: string,
  signal: AbortSignal,
  backend: string,
): AsyncGenerator<Done> {
  await makeFolder(out);
  const held = await readdir(out);
  if (held.length > 0 && !held.some((name) => idPattern.test(name))) {
    throw new UserError(
      `the folder '${out}' is not empty and holds no sweep: choose another --out, or empty it`,
    );
  }
  for (const trial of trials) {
    signal.throwIfAborted();
    const folder = join(out, trial.id);
    const held = await runIn(folder).catch(() => undefined);
    if (held?.summary && isGood(held, backend)) {
      const faults = faultsOf(trial.trial, held.summary);
      yield { trial, outcome: held.summary, faults, skipped: true };
      continue;
    }
    if (held?.status !== "running" && !(held && isGood(held, backend))) {
      await rm(folder, { recursive: true, force: true });
    }
    const pool = new MemoryPool(new ClientRunner(trial.trial, plugins));
    try {
      const outcome = await recordTrial({
        ...{ trial: trial.trial, plugins, pool, out: folder, resumes: true, signal },
        backend: () => backend,
      });
      yield { trial, outcome, faults: faultsOf(trial.trial, outcome), skipped: false };
    } catch (error) {
      // One trial that cannot be had leaves a hole in the tables, and the others their numbers.
      if (signal.aborted) throw error;
      yield { trial, outcome: failureOf(error), faults: [], skipped: false };
    } finally {
      await pool.close();
    }
  }
}

/** Is it of the same backend, and is no method of it one that could not go on? */
function isGood({ info, summary }: HeldRun, backend: string): boolean {
  return info.backend === backend && Object.keys(summary?.stopped ?? {}).length === 0;
}

function failureOf(error: unknown): Failed {
  return {
    failed: error instanceof Error ? error.message : String(error),
    exitCode: error instanceof UserError ? error.exitCode : exitCodes.internal,
  };
}
