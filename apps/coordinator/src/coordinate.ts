import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { BackendChoice } from "@fedclair/compute";
import { readPythonClients } from "@fedclair/core/internal";
import { loadNamedPlugins, watchServer } from "@fedclair/plugins";
import { runAndReport, showIfDone } from "@fedclair/view/run";
import {
  chooseTrialBackend,
  createLog,
  exitCodeOf,
  chooseRunFolder,
  interruption,
  parseAddress,
  prepareTrial,
  rejectExternalClients,
  version,
  type CheckpointOptions,
  type PlaceOptions,
} from "@fedclair/runs";
import { hostedTrial, SocketPool } from "@fedclair/wire";
import { certificatesOf, tokensOf, type EntryOptions } from "./entry.js";
import { startPage } from "./page-process.js";
import { createJoinPageFor } from "./join-page.js";
import { Place } from "./place.js";
import type { Observer } from "./metrics/observe.js";

export interface CoordinateOptions extends PlaceOptions, CheckpointOptions, EntryOptions {
  readonly listen: string;
  /** `parent`: the parent process starts the hosts. Absent: hosts may join from anywhere. */
  readonly hosts?: "parent";
  /** The backend for simulated clients. */
  readonly backend: BackendChoice;
  readonly set: readonly string[];
  readonly resume: boolean;
  readonly insecure: boolean;
  /** Where to serve the live page, as host:port. Default: nowhere. */
  readonly page?: string;
  /** File with the token that readers of the page need. */
  readonly pageTokenFile?: string;
  /** Whether browser tabs may join, by a page at `listen`; a text is the page's own origin. */
  readonly joinPage?: true | string;
  /** Where to serve /metrics and /healthz, as host:port. Default: nowhere. */
  readonly metrics?: string;
  readonly json: boolean;
  readonly report: boolean;
}

/** `fedclair coordinator`: runs a trial on the client hosts that join. */
export async function coordinate(file: string, options: CoordinateOptions): Promise<void> {
  const prepared = await prepareTrial(file, options.set, loadNamedPlugins);
  const { trial } = prepared;
  const place = new Place(trial.name);
  const log = createLog("coordinator", () => {
    const { arm, round } = place;
    return { trial: trial.name, ...(arm !== undefined && { arm, round }) };
  });
  const out = await chooseRunFolder(trial, options);
  process.send?.({ folder: out }, () => undefined);
  const { json, report, resume: resumes, backend: choice } = options;
  const wanted = { prepared, backend: choice, resumes };
  process.exitCode = await showIfDone(out, wanted, { json, report });
  if (process.exitCode !== undefined) return;
  if (options.hosts === "parent" && !readPythonClients(trial))
    rejectExternalClients(file, prepared, resumes ? out : undefined);
  const backend = chooseTrialBackend([prepared], choice);
  log.info(`backend ${backend.name}: ${backend.why}`);
  const { host, port } = parseAddress(options.listen);
  const metricsAt =
    options.metrics === undefined ? undefined : parseAddress(options.metrics, "--metrics");
  const tokens = tokensOf(options);
  const tls = certificatesOf(options);
  const hosted = hostedTrial(prepared);
  // With a token, only hosts that join may know the trial.
  const joinPage = await createJoinPageFor(
    options.joinPage,
    host,
    tokens ? undefined : hosted.trialJson,
  );
  let logDelay = 0; // no host can leave before the pool listens
  const pool = await SocketPool.listen({
    host,
    port,
    ...(joinPage && { page: joinPage }),
    ...hosted,
    ...(tokens && { tokens }),
    ...(tls && { tls }),
    insecure: options.insecure,
    backend: backend.name,
    softwareVersion: version,
    log: (line, level) => {
      // Ctrl-C stops the hosts too, and they may leave before this process handles its own signal.
      setTimeout(() => {
        if (!interruption.signal.aborted) log[level](line);
      }, logDelay);
    },
  });
  logDelay = signalDelay;
  const server = watchServer(prepared, backend.name);
  let ending: readonly [reason?: string, exitCode?: number] = [];
  let observer: Observer | undefined;
  const page = options.page === undefined ? undefined : startPage(out, options.page, options);
  try {
    if (metricsAt) {
      const { observe } = await import("./metrics/observe.js");
      observer = await observe(metricsAt, prepared, pool, place);
      log.info(`metrics at ${observer.server.url}/metrics`);
    }
    log.info(`listening on ${pool.url}`);
    if (pool.pageOrigin !== undefined) log.info(`browser tabs join at ${pool.pageOrigin}/`);
    process.send?.({ listening: pool.url }, () => undefined); // errors are ignored: if the parent is gone, this process is stopped anyway
    const run = runAndReport({
      prepared,
      pool,
      server,
      out,
      json,
      report,
      resumes,
      checkpoints: { every: options.checkpointEvery, keep: options.keepCheckpoints },
      traffic: pool.traffic,
      hosts: () => pool.hosts,
      backend: () => pool.backend,
      otherReleases: () => pool.otherReleases,
      chosen: backend,
      onResume: (done) => observer?.metrics.resumed(done),
      onEvent: (event) => {
        place.event(event);
        observer?.metrics.event(event);
      },
      // The memory of hosts is free while the report is written, which needs as much for many
      // clients.
      onRecorded: async () => {
        process.send?.({ isOver: true }, () => undefined);
        await pool.close();
      },
    });
    process.exitCode = await Promise.race([run, afterAbort(interruption.signal)]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    place.failure = why;
    ending = [`the trial failed: ${why}`, exitCodeOf(error)];
    throw error;
  } finally {
    await Promise.all([pool.close(...ending), server?.close()]);
    await Promise.all([observer?.server.close(), page?.close()]);
  }
}

/** Rejects soon after an abort, so that hosts are notified even if a plug-in waits forever. */
async function afterAbort(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, "abort");
  await delay(orderly);
  throw signal.reason;
}

/** Time for an orderly end of a run, in ms. */
const orderly = 500;

/** Longest time from the end of a host to the signal that ended it and this process, in ms. */
const signalDelay = 200;
