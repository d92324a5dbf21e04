import { realpath } from "node:fs/promises";
import { hostname } from "node:os";
import { join, sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import { resolveModule } from "@fedclair/plugins";
import { createLog, breakLocks, interruption, version, type Logger } from "@fedclair/runs";
import type { Job } from "bullmq";
import { SweepWorkers } from "../sweep-workers.js";
import { whenAborted } from "../when-aborted.js";
import { connect, optional } from "./connection.js";
import {
  queuedTrialSchema,
  prefix,
  progressSchema,
  queueName,
  readDescription,
  type QueuedTrial,
  type Progress,
  type Result,
} from "./queued-trial.js";

export interface WorkerOptions {
  readonly queue?: string;
  /** Trials at a time, each in a process of its own. */
  readonly jobs: number;
  /** It works in folders inside this one alone. */
  readonly root: string;
  /** Modules that this worker's operator allows. */
  readonly plugins: readonly string[];
}

/** How long a trial is left alone that a process runs which is none of the queue's, in ms. */
const patience = 1000;

/** `fedclair worker`: runs the trials that sweeps have queued, until it is stopped. */
export async function work({ queue, jobs, root, plugins }: WorkerOptions): Promise<never> {
  const log = createLog("worker");
  const allowed = plugins.map((module) => resolveModule(module, ".", "--plugin").file);
  const within = await realpath(root);
  const bullmq = await optional(() => import("bullmq"));
  const { signal } = interruption;
  const { client, address } = await connect(
    queue,
    (line) => {
      log.warn(line);
    },
    signal,
  );
  const crews = new Crews(within, allowed, jobs, signal);
  const told = new Set<string>();

  const run = async (job: Job<unknown, Result>, token = ""): Promise<Result> => {
    const wanted = queuedTrialSchema.safeParse(job.data).data;
    if (!wanted) throw new bullmq.UnrecoverableError("what is queued is no trial of fedclair");
    try {
      const crew = await crews.of(wanted);
      await freeFromDead(job, join(wanted.folder, wanted.trial));
      await job.updateProgress({ host: hostname() } satisfies Progress);
      const reply = await crew.ask(wanted.trial);
      if (reply !== "busy") return resultOf(reply, wanted, log);
      await job.updateProgress({});
      await job.moveToDelayed(Date.now() + patience, token);
    } catch (error) {
      if (signal.aborted) {
        await job.updateProgress({});
        await job.moveToWait(token); // for another one
        throw new bullmq.WaitingError();
      }
      if (!(error instanceof UserError)) throw error;
      if (!told.has(error.message)) log.error(error.message);
      told.add(error.message);
      return { host: hostname(), skipped: false, refused: error.message };
    }
    throw new bullmq.DelayedError();
  };

  const worker = new bullmq.Worker<unknown, Result>(queueName, run, {
    ...{ connection: client, prefix, concurrency: jobs, skipVersionCheck: true },
    // A worker that is gone is missed after so long; its trials, which any other one may go on with, are begun again.
    ...{ lockDuration: 30_000, stalledInterval: 3000, maxStalledCount: 10 },
  });
  worker.on("error", () => undefined); // the connection tells
  log.info(`${jobs} trials at a time of the queue at ${address}, in folders in ${within}`);
  await whenAborted(signal).catch(() => undefined);
  // What is under way is given back, if anybody takes it.
  await Promise.race([worker.close().catch(() => undefined), delay(3000)]);
  client.disconnect();
  throw signal.reason;
}

/** The processes that run trials, by the sweep that they have read. */
class Crews {
  readonly #within: string;
  readonly #allowed: readonly string[];
  readonly #jobs: number;
  readonly #signal: AbortSignal;
  readonly #bySweep = new Map<string, SweepWorkers>();

  constructor(within: string, allowed: readonly string[], jobs: number, signal: AbortSignal) {
    this.#within = within;
    this.#allowed = allowed;
    this.#jobs = jobs;
    this.#signal = signal;
  }

  /** @throws UserError if a trial is of a folder or a release that this worker does not have */
  async of(wanted: QueuedTrial): Promise<SweepWorkers> {
    const folder = await realpath(wanted.folder).catch(() => wanted.folder);
    if (!folder.startsWith(this.#within.endsWith(sep) ? this.#within : this.#within + sep)) {
      throw new UserError(
        `a trial for the folder '${folder}' was queued, and this worker works in '${this.#within}' alone: choose --root`,
      );
    }
    const { version: other, backend, file, set } = await readDescription({ ...wanted, folder });
    if (other !== version) {
      throw new UserError(
        `this worker is of fedclair ${version}, the sweep in '${folder}' of ${other}: install the same`,
      );
    }
    const key = join(folder, wanted.sweep);
    const known = this.#bySweep.get(key);
    if (known) return known;
    // Those of other sweeps may be needed no more, and hold memory.
    for (const [other, crew] of this.#bySweep) {
      if (!crew.isIdle) continue;
      crew.close();
      this.#bySweep.delete(other);
    }
    const place = { file, out: folder, set, allowed: this.#allowed, backend };
    const crew = new SweepWorkers(place, this.#jobs, this.#signal);
    this.#bySweep.set(key, crew);
    return crew;
  }
}

/** A trial comes twice if the worker that had it is gone. On another machine its run folder would count as in use for ever. */
async function freeFromDead(job: Job<unknown, Result>, run: string): Promise<void> {
  const { host } = progressSchema.safeParse(job.progress).data ?? {};
  if (job.stalledCounter > 0 && host !== undefined) await breakLocks(host, run);
}

function resultOf(
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
