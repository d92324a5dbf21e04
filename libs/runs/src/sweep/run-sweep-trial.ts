import { join } from "node:path";
import { UserError } from "@fedclair/core";
import {
  ClientRunner,
  exitCodes,
  listExternalClients,
  MemoryPool,
  type ClientPool,
  type PreparedTrial,
  type WatchedServer,
} from "@fedclair/core/internal";
import type { ChosenBackend } from "../run/backend.js";
import { listRunFaults } from "../measures/exit-faults.js";
import { recordTrial } from "../run/record-trial.js";
import { findChangedData } from "../store/data-hash.js";
import { removeRun, findRun, type StoredRun } from "../store/stored-run.js";
import { InUse } from "../store/lock.js";
import type { Summary } from "../measures/summary.js";
import type { SweepTrial } from "./sweep-file.js";

/** The reason why a trial has no numbers, with the exit code for it. */
export interface Failed {
  readonly failed: string;
  readonly exitCode: number;
}

/** A completed or failed trial of the grid. */
export interface FinishedTrial {
  readonly trial: SweepTrial;
  /** The summary of the trial, or the reason why there is none. */
  readonly outcome: Summary | Failed;
  /** Faults that the numbers do not show: lost clients, and arms that could not go on. */
  readonly faults: readonly UserError[];
  /** Was the trial completed by an earlier run? */
  readonly skipped: boolean;
}

/** Where the clients and the plug-ins of a trial run. */
export interface TrialPlace {
  readonly pool: ClientPool;
  /** Runs plug-ins at the coordinator. Default: they run in this thread. */
  readonly server?: WatchedServer | undefined;
  /** Returns what the clients compute with, once they have joined. Default: the chosen backend. */
  readonly backend?: () => string | undefined;
}

/** Opens the place for a trial. @param backend the TensorFlow.js backend that trains */
export type OpenPlace = (prepared: PreparedTrial, backend: string) => Promise<TrialPlace>;

/** Opens a place where everything runs in this thread. */
export const openHere: OpenPlace = (prepared) =>
  Promise.resolve({ pool: new MemoryPool(new ClientRunner(prepared)) });

/**
 * Runs a trial of a sweep in this process, in its folder within `out`. The trial is skipped if it
 * is done: it has a summary of the same backend and data, and every arm completed. An interrupted
 * trial is resumed. A trial whose data have changed is run again.
 * @param backend the TensorFlow.js backend that trains, with the reason
 * @param open opens the place where it runs; default: everything in this thread
 * @returns `busy` if another process of this machine runs the trial. Processes that share a folder
 *   share the work.
 * @throws the signal's reason if it aborts; UserError if the folder holds something else than a run
 */
export async function runSweepTrial(
  trial: SweepTrial,
  out: string,
  signal: AbortSignal,
  backend: ChosenBackend,
  open = openHere,
): Promise<FinishedTrial | "busy"> {
  signal.throwIfAborted();
  const folder = join(out, trial.folder);
  const stored = await findRun(folder);
  if (stored?.holder) return toBusy(trial, new InUse(folder, stored.holder));
  const canReuse = stored !== undefined && (await isReusable(trial, stored, backend.name));
  if (stored?.summary && canReuse) return toFinishedTrial(trial, stored.summary, true);
  const prepared = trial.prepare();
  let place: TrialPlace | undefined;
  try {
    place = await open(prepared, backend.name);
    const { pool, server, backend: used = () => backend.name } = place;
    if (stored && !canReuse) await removeRun(stored);
    const outcome = await recordTrial({
      prepared,
      pool,
      server,
      out: folder,
      resumes: true,
      signal,
      backend: used,
      chosen: backend,
    });
    return toFinishedTrial(trial, outcome, false);
  } catch (error) {
    if (error instanceof InUse) return toBusy(trial, error);
    // A failed trial leaves a gap in the tables, but the other trials keep their numbers.
    if (signal.aborted) throw error;
    return { trial, outcome: toFailed(error), faults: [], skipped: false };
  } finally {
    await Promise.all([place?.pool.close(), place?.server?.close()]);
  }
}

/** A process of another machine is not awaited, because its end would not be noticed. */
function toBusy(trial: SweepTrial, error: InUse): FinishedTrial | "busy" {
  if (error.isHere) return "busy";
  return { trial, outcome: toFailed(error), faults: [], skipped: false };
}

/** Finds a trial that is done and need not run again. Returns undefined for any other trial. */
export async function findFinished(
  trial: SweepTrial,
  out: string,
  backend: string,
): Promise<FinishedTrial | undefined> {
  const stored = await findRun(join(out, trial.folder)).catch(() => undefined);
  return stored?.summary && (await isReusable(trial, stored, backend))
    ? toFinishedTrial(trial, stored.summary, true)
    : undefined;
}

export function toFinishedTrial(
  trial: SweepTrial,
  outcome: Summary,
  skipped: boolean,
): FinishedTrial {
  return { trial, outcome, faults: listRunFaults(trial.trial, outcome), skipped };
}

/**
 * Was the run trained on this backend, or on that of external clients, and with the same data? Did
 * every arm complete?
 */
export async function isReusable(
  trial: SweepTrial,
  { info, summary }: Pick<StoredRun, "info" | "summary">,
  backend: string,
): Promise<boolean> {
  const isExternal = listExternalClients(trial.trial, trial.taskPlugin).size > 0;
  if (!isExternal && info.backend !== backend) return false;
  if (Object.keys(summary?.stopped ?? {}).length > 0) return false;
  return (await findChangedData(info, trial)) === undefined;
}

function toFailed(error: unknown): Failed {
  return {
    failed: error instanceof Error ? error.message : String(error),
    exitCode: error instanceof UserError ? error.exitCode : exitCodes.internal,
  };
}
