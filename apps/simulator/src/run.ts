import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { BackendChoice } from "@fedclair/compute";
import { ClientRunner, elsewhere, MemoryPool, UserError } from "@fedclair/core";
import { pluginsFor } from "@fedclair/plugins";
import { runAndReport, showIfDone } from "@fedclair/report";
import {
  backendOf,
  loadForOutside,
  checkpointArgs,
  createLog,
  folderOf,
  logGroupFault,
  logThrown,
  readTrialFile,
  runIn,
  type CheckpointOptions,
  type PlaceOptions,
} from "@fedclair/runs";
import { runFederation } from "./federation.js";

export interface RunOptions extends PlaceOptions, CheckpointOptions {
  readonly set: readonly string[];
  readonly hosts?: number;
  /** Where the coordinator serves /metrics and /healthz. */
  readonly metrics?: string;
  readonly transport: "socket" | "memory";
  /** Go on with the run that lies in the folder? */
  readonly resume?: boolean;
  readonly json: boolean;
  readonly report: boolean;
  readonly backend: BackendChoice;
}

/** `fedclair run`: a trial with all its clients on this machine. */
export async function run(file: string, options: RunOptions): Promise<void> {
  // Checked here too, so that a bad file or folder is told before any process starts.
  const plugins = await pluginsFor(file, options.set);
  const trial = await readTrialFile(file, plugins, options.set);
  const out = await folderOf(trial, options);
  const { json, report, backend, metrics, resume = false } = options;
  if (metrics !== undefined && options.transport === "memory")
    throw new UserError("--metrics: a coordinator serves them, and --transport memory has none");
  process.exitCode = await showIfDone(
    out,
    { trial, plugins, backend, resumes: resume },
    { json, report },
  );
  if (process.exitCode !== undefined) return;
  const goesOn = `fedclair coordinator ${file} --out ${out} --resume`;
  const otherHosts = elsewhere(trial, plugins, resume ? goesOn : undefined);
  if (otherHosts !== undefined) throw new UserError(`${file}: ${otherHosts}`);
  if (options.transport === "memory") {
    const chosen = backendOf([trial], plugins, backend);
    // Quiet unless asked, as with sockets, where a coordinator says it.
    const log = createLog("client", () => ({ trial: trial.name }), "warn");
    log.info(`backend ${chosen.name}: ${chosen.why}`);
    await loadForOutside(trial, plugins);
    process.exitCode = await runAndReport({
      ...{ trial, plugins, out, json, report, resumes: resume },
      pool: new MemoryPool(new ClientRunner(trial, plugins, logThrown(log), logGroupFault(log))),
      checkpoints: { every: options.checkpointEvery, keep: options.keepCheckpoints },
      ...{ backend: () => chosen.name, chosen },
    });
    return;
  }
  process.exitCode = await runFederation({
    coordinatorArgs: [
      file,
      "--out",
      out,
      ...setArgs(options.set),
      ...(json ? ["--json"] : []),
      ...(report ? [] : ["--no-report"]),
      ...(metrics === undefined ? [] : ["--metrics", metrics]),
      ...(resume ? ["--resume"] : []),
      ...["--backend", backend],
      ...checkpointArgs(options),
    ],
    clients: trial.clients,
    hosts: hostsFor(trial.clients, options.hosts),
    backend,
    plugins: [...new Set((plugins.outside ?? []).flatMap(({ module }) => module ?? []))],
  });
}

export type ResumeOptions = Omit<RunOptions, "set" | "resume" | keyof PlaceOptions>;

/** `fedclair resume`: goes on with the run in a folder; of one that is done it shows the outcome. */
export async function resume(folder: string, options: ResumeOptions): Promise<void> {
  if (!(await runIn(folder)))
    throw new UserError(`'${folder}' holds no run: fedclair run begins one`);
  await run(join(folder, "trial.yaml"), { ...options, set: [], out: folder, resume: true });
}

/** One host a core unless told otherwise, and never a host without clients. */
export function hostsFor(clients: number, hosts = availableParallelism()): number {
  return Math.min(hosts, clients);
}

export function setArgs(overrides: readonly string[]): string[] {
  return overrides.flatMap((override) => ["--set", override]);
}
