import { writeFileSync } from "node:fs";
import { mkdtemp, open, readdir, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import { resolveModules } from "@fedclair/plugins";
import {
  createLog,
  findHolder,
  interruption,
  Lock,
  makeFolder,
  requireRunFile,
  RunSender,
  SendAgain,
  whenAborted,
} from "@fedclair/runs";
import type { Job } from "bullmq";
import type { PythonOptions } from "../processes/read-hosts.js";
import { SweepWorkers } from "../processes/sweep-workers.js";
import { connect, importOptional } from "./connection.js";
import {
  prefix,
  queuedTrialSchema,
  queueName,
  readQueuedSweep,
  sweepKey,
  type QueuedSweep,
} from "./queued-trial.js";
import { receiverAt, SweepLink, TrialLost, type Ask } from "./sweep-link.js";

/** Without `python`, sweeps with Python clients are rejected. */
interface WorkerOptions extends PythonOptions {
  readonly queue?: string;
  /** Number of trials at a time, each in its own process. */
  readonly jobs: number;
  /** The folder for runs until they have arrived at their sweep. Default: a temporary one. */
  readonly root?: string;
  /** Plug-in modules that this worker's operator allows. */
  readonly plugins: readonly string[];
}

/** Shortest interval, in ms, at which a worker looks for a new checkpoint to send. */
const sendInterval = 100;

/** Names of the folders that workers make in their root begin with this. */
const ownPrefix = "fedclair-worker-";

/** `fedclair worker`: runs queued trials of sweeps until it is stopped. */
export async function work({
  queue,
  jobs,
  root = tmpdir(),
  plugins,
  python,
  device,
}: WorkerOptions): Promise<never> {
  const log = createLog("worker");
  const allowed = resolveModules(plugins).map(({ file }) => file);
  const bullmq = await importOptional(() => import("bullmq"));
  const { signal } = interruption;
  const warn = (line: string) => {
    log.warn(line);
  };
  const { client, address } = await connect(queue, warn, signal);
  const within = await makeOwnRoot(root);
  const link = new SweepLink(client, warn);
  /** The processes that run trials, by sweep. */
  const crews = new Map<string, SweepWorkers>();
  // Not async, or two trials that come together would start two crews.
  const findCrew = (id: string, sweep: QueuedSweep): SweepWorkers => {
    const existing = crews.get(id);
    if (existing) return existing;
    // Idle processes of other sweeps use memory and may no longer be needed.
    for (const [other, crew] of crews) {
      if (!crew.isIdle) continue;
      crew.close();
      crews.delete(other);
    }
    const { file, text, set, backend, modules } = sweep;
    const copy = join(within, `${id}.yaml`);
    writeFileSync(copy, text);
    const queued = { copy, modules, allowed };
    const place = { file, out: within, set, backend, queued, python, device };
    const crew = new SweepWorkers(place, jobs, signal);
    crews.set(id, crew);
    return crew;
  };
  const reported = new Set<string>();

  const run = async (job: Job<unknown>, token = ""): Promise<void> => {
    const wanted = queuedTrialSchema.safeParse(job.data).data;
    if (!wanted) throw new bullmq.UnrecoverableError("the queued job is not a trial of fedclair");
    const text = await client.get(sweepKey(wanted.sweep));
    if (text === null) return; // its sweep has ended, and queues it again if it comes back
    const { trial } = wanted;
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const ask = link.about(wanted, token, either);
    const folder = join(within, `${trial}-${token.replaceAll(/\W/g, "")}`);
    let running: ReturnType<SweepWorkers["ask"]> | undefined;
    try {
      const sweep = readQueuedSweep(text);
      await fetchRun(folder, ask);
      // At once, as an idle crew may be closed.
      running = findCrew(wanted.sweep, sweep).ask({ id: trial, folder }, either);
      const sender = new RunSender(folder, receiverAt(ask));
      const sending = sendUntil(running, sender).catch((error: unknown) => {
        stop.abort(error);
        throw error;
      });
      const [reply] = await Promise.all([running, sending]);
      if (reply === "busy") throw new Error(`'${folder}' is used by another process`);
      await sender.send();
      const { outcome } = reply;
      const failed =
        "failed" in outcome ? { message: outcome.failed, exitCode: outcome.exitCode } : undefined;
      await ask({ do: "end", failed });
      if (failed) log.warn(`${trial}: ${failed.message}`);
      else log.info(`${trial}: done`);
    } catch (error) {
      if (signal.aborted) {
        await job.moveToWait(token); // for another worker
        throw new bullmq.WaitingError();
      }
      const reason: unknown = stop.signal.aborted ? stop.signal.reason : error;
      if (reason instanceof TrialLost) log.warn(`${trial} ends here: ${reason.message}`);
      else if (reason instanceof UserError) {
        if (!reported.has(reason.message)) log.error(reason.message);
        reported.add(reason.message);
        await link
          .about(
            wanted,
            token,
            signal,
          )({ do: "refuse", why: reason.message })
          .catch(() => undefined);
      } else throw reason;
    } finally {
      await running?.catch(() => undefined); // it writes until it has ended
      await rm(folder, { recursive: true, force: true });
    }
  };
  const worker = new bullmq.Worker(queueName, run, {
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
  log.info(`${jobs} trials at a time of the queue at ${address}, in ${within}`);
  await whenAborted(signal).catch(() => undefined);
  // Returns unfinished trials to the queue, if it still answers.
  await Promise.race([worker.close().catch(() => undefined), delay(3000)]);
  link.close();
  client.disconnect();
  await rm(within, { recursive: true, force: true }).catch(() => undefined);
  throw signal.reason;
}

/**
 * Makes a folder of this worker in its root, and removes those of workers of this machine that are
 * gone.
 */
async function makeOwnRoot(root: string): Promise<string> {
  await makeFolder(root);
  for (const name of await readdir(root)) {
    const folder = join(root, name);
    if (!name.startsWith(ownPrefix) || findHolder(folder)) continue;
    const { mtimeMs } = await stat(folder);
    if (Date.now() - mtimeMs > 60_000) await rm(folder, { recursive: true, force: true }); // else it may be about to be locked
  }
  const own = await mkdtemp(join(await realpath(root), ownPrefix));
  await Lock.acquire(own); // removed with the folder
  return own;
}

/** Fetches the files of an interrupted run, so that it goes on here. */
async function fetchRun(folder: string, ask: Ask): Promise<void> {
  const { files = [] } = (await ask({ do: "take" })).fields;
  await makeFolder(folder);
  for (const { name, size } of files) {
    requireRunFile(name);
    const file = await open(join(folder, name), "wx");
    try {
      for (let at = 0; at < size;) {
        const { bytes } = await ask({ do: "read", name, at });
        if (bytes.length === 0) throw new SendAgain(`${name} has become shorter`);
        await file.writeFile(bytes);
        at += bytes.length;
      }
    } finally {
      await file.close();
    }
  }
}

/** Sends checkpoints of a run until it ends, in at most a tenth of the time. */
async function sendUntil(running: Promise<unknown>, sender: RunSender): Promise<void> {
  const ended = running.then(
    () => true,
    () => true,
  );
  for (let wait = sendInterval; ;) {
    const late = new AbortController();
    const isOver = await Promise.race([
      ended,
      delay(wait, false, { signal: late.signal }).catch(() => false),
    ]);
    late.abort();
    if (isOver) return;
    const began = performance.now();
    await sender.sendCheckpoint();
    wait = Math.max(sendInterval, 9 * (performance.now() - began));
  }
}
