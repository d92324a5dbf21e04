import { availableParallelism } from "node:os";
import { loadBackend, type BackendChoice } from "@fedclair/compute";
import { ClientRunner, MemoryPool, UserError, whereClientsAre } from "@fedclair/core";
import { loadPlugins, modulesOf } from "@fedclair/plugins";
import { runAndReport } from "@fedclair/report";
import { holdsRun, readTrialFile, runFolderFor, toUserError } from "@fedclair/runs";
import { runFederation } from "./federation.js";

export interface RunOptions {
  readonly set: readonly string[];
  readonly hosts?: number;
  readonly transport: "socket" | "memory";
  readonly out?: string;
  readonly json: boolean;
  readonly report: boolean;
  readonly backend: BackendChoice;
}

/** `fedclair run`: a trial with all its clients on this machine. */
export async function run(file: string, options: RunOptions): Promise<void> {
  // Checked here too, so that a bad file or folder is told before any process starts.
  const modules = await modulesOf(file, options.set);
  const plugins = await loadPlugins(modules);
  const trial = await readTrialFile(file, plugins, options.set);
  if (plugins.tasks.get(trial.task.name)?.isForeign)
    throw new UserError(`${file}: task ${trial.task.name}: ${whereClientsAre}`);
  const out = options.out ?? runFolderFor(trial);
  await holdsRun(out, trial);
  if (options.transport === "memory") {
    const { name } = await loadBackend(options.backend).catch(toUserError);
    const pool = new MemoryPool(new ClientRunner(trial, plugins));
    const { json, report } = options;
    const backend = () => name;
    process.exitCode = await runAndReport({ trial, plugins, pool, out, json, report, backend });
    return;
  }
  process.exitCode = await runFederation({
    coordinatorArgs: [
      file,
      "--out",
      out,
      ...setArgs(options.set),
      ...(options.json ? ["--json"] : []),
      ...(options.report ? [] : ["--no-report"]),
    ],
    clients: trial.clients,
    hosts: hostsFor(trial.clients, options.hosts),
    backend: options.backend,
    plugins: modules.map((module) => module.file),
  });
}

/** One host a core unless told otherwise, and never a host without clients. */
export function hostsFor(clients: number, hosts = availableParallelism()): number {
  return Math.min(hosts, clients);
}

export function setArgs(overrides: readonly string[]): string[] {
  return overrides.flatMap((override) => ["--set", override]);
}
