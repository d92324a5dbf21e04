import { realpath } from "node:fs/promises";
import { hostname } from "node:os";
import { join, sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import { resolveModules } from "@fedclair/plugins";
import {
  createLog,
  breakLocks,
  interruption,
  readStoredSweep,
  readText,
  version,
  type Logger,
  whenAborted,
} from "@fedclair/runs";
import type { Job } from "bullmq";
import type { PythonOptions } from "../processes/read-hosts.js";
import { SweepWorkers } from "../processes/sweep-workers.js";
import { connect, importOptional } from "./connection.js";
import {
  queuedTrialSchema,
  prefix,
  progressSchema,
  hashOf,
  queueName,
  readDescription,
  type QueuedTrial,
  type QueuedProgress,
  type Result,
} from "./queued-trial.js";

/** Without `python`, sweeps with Python clients are rejected. */
interface WorkerOptions extends PythonOptions {
  readonly queue?: string;
  /** Number of trials at a time, each in its own process. */
  readonly jobs: number;
  /** The worker accepts only sweeps whose folders are inside this one. */
  readonly root: string;
  /** Plug-in modules that this worker's operator allows. */
  readonly plugins: readonly string[];
}

/** The most bytes of a sweep file, as of every trial file. */
const mostSweepBytes = 2 ** 21;

/** Delay, in ms, before trying a trial again that a process outside the queue is running. */
const busyDelay = 1000;

/** `fedclair worker`: runs queued trials of sweeps until it is stopped. */
export async function work({
  queue,
  jobs,
  root,
  plugins,
  python,
  device,
}: WorkerOptions): Promise<never> {
  const log = createLog("worker");
  const allowed = resolveModules(plugins).map(({ file }) => file);
  const within = await realpath(root);
  const bullmq = await importOptional(() => import("bullmq"));
  const { signal } = interruption;
  const { client, address } = await connect(
    queue,
    (line) => {
      log.warn(line);
    },
    signal,
  );
  /** The processes that run trials, by sweep. */
  const crews = new Map<string, SweepWorkers>();
  const findCrew = async (wanted: QueuedTrial): Promise<SweepWorkers> => {
    const place = { ...(await readPlace(wanted, within)), allowed, python, device };
    const key = join(place.out, wanted.sweep);
    const existing = crews.get(key);
    if (existing) return existing;
    // Idle processes of other sweeps use memory and may no longer be needed.
    for (const [other, crew] of crews) {
      if (!crew.isIdle) continue;
      crew.close();
      crews.delete(other);
    }
    const crew = new SweepWorkers(place, jobs, signal);
    crews.set(key, crew);
    return crew;
  };
  const reported = new Set<string>();

  const run = async (job: Job<unknown, Result>, token = ""): Promise<Result> => {
    const wanted = queuedTrialSchema.safeParse(job.data).data;
    if (!wanted) throw new bullmq.UnrecoverableError("the queued job is not a trial of fedclair");
    try {
      const crew = await findCrew(wanted);
      await breakStaleLock(job, findRunFolder(wanted));
      await job.updateProgress({ host: hostname() } satisfies QueuedProgress);
      const reply = await crew.ask(wanted.trial);
      if (reply !== "busy") return toResult(reply, wanted, log);
      await job.updateProgress({});
      await job.moveToDelayed(Date.now() + busyDelay, token);
    } catch (error) {
      if (signal.aborted) {
        await job.updateProgress({});
        await job.moveToWait(token); // for another worker
        throw new bullmq.WaitingError();
      }
      if (!(error instanceof UserError)) throw error;
      if (!reported.has(error.message)) log.error(error.message);
      reported.add(error.message);
      return { host: hostname(), skipped: false, refused: error.message };
    }
    throw new bullmq.DelayedError();
  };

  const worker = new bullmq.Worker<unknown, Result>(queueName, run, {
    connection: client,
    prefix,
    concurrency: jobs,
    skipVersionCheck: true,
    // After this time without renewal, the trials of a dead worker are given to another worker,
    // which resumes them.
    lockDuration: 30_000,
    stalledInterval: 3000,
    maxStalledCount: 10,
  });
  worker.on("error", () => undefined); // reported by the connection
  log.info(`${jobs} trials at a time of the queue at ${address}, in folders in ${within}`);
  await whenAborted(signal).catch(() => undefined);
  // Returns unfinished trials to the queue, if it still answers.
  await Promise.race([worker.close().catch(() => undefined), delay(3000)]);
  client.disconnect();
  throw signal.reason;
}

/**
 * Reads where and how a trial runs.
 * @throws UserError if its folder or release does not match this worker
 */
async function readPlace(wanted: QueuedTrial, within: string) {
  const folder = await realpath(wanted.folder).catch(() => wanted.folder);
  if (!folder.startsWith(within.endsWith(sep) ? within : within + sep)) {
    throw new UserError(
      `a trial for the folder '${folder}' was queued, and this worker works in '${within}' alone: choose --root`,
    );
  }
  const { version: other, backend, file, set, text } = await readDescription({ ...wanted, folder });
  if (other === version) {
    requireText(file, text, wanted.trial);
    return { file, out: folder, set, backend };
  }
  throw new UserError(
    `this worker is of fedclair ${version}, the sweep in '${folder}' of ${other}: install the same`,
  );
}

/** @throws UserError, which quotes nothing of it, if a file is not the one that was queued */
function requireText(file: string, hash: string, trial: string): void {
  if (hashOf(readText(file, mostSweepBytes)) === hash) return;
  throw new UserError(
    `${file}: no trial of it has the hash ${trial} here: expected the same file, plug-ins, folders and release of fedclair as where the sweep was started`,
  );
}

/**
 * Breaks the lock of a dead worker. A trial is received twice if its first worker has died, and a
 * lock from another machine would otherwise be kept forever.
 */
async function breakStaleLock(job: Job<unknown, Result>, run: string): Promise<void> {
  const { host } = progressSchema.safeParse(job.progress).data ?? {};
  if (job.stalledCounter > 0 && host !== undefined) await breakLocks(host, run);
}

/** Finds the run folder of a trial, which the sweep chose. */
function findRunFolder({ folder, trial }: QueuedTrial): string {
  const stored = readStoredSweep(folder)?.trials.find(({ id }) => id === trial);
  return join(folder, stored?.folder ?? trial);
}

function toResult(
  { outcome, skipped }: Exclude<Awaited<ReturnType<SweepWorkers["ask"]>>, "busy">,
  { trial, folder }: QueuedTrial,
  log: Logger,
): Result {
  const host = hostname();
  if (!("failed" in outcome)) {
    log.info(`${trial} in ${folder}: ${skipped ? "done before" : "done"}`);
    return { host, skipped };
  }
  const { failed: message, exitCode } = outcome;
  log.warn(`${trial} in ${folder}: ${message}`);
  return { host, skipped, failed: { message, exitCode } };
}
