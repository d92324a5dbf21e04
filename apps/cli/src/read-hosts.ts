import { availableParallelism } from "node:os";
import { UserError } from "@fedclair/core";
import { clientCount } from "@fedclair/core/internal";
import { namedModules } from "@fedclair/plugins/host";
import { readTrialFile } from "@fedclair/runs/trial-file";
import type { Hosts } from "./federation.js";

/**
 * Reads from a trial file which hosts it needs, without loading plug-ins: one host per core by
 * default, and never a host without clients.
 * @returns undefined for a trial with faults, which the coordinator reports
 */
export function readHosts(
  file: string,
  { set, hosts = availableParallelism() }: { set: readonly string[]; hosts?: number },
): Hosts | undefined {
  try {
    const source = readTrialFile(file, set);
    const clients = clientCount(source.yaml);
    if (clients === undefined) return undefined;
    const plugins = new Set(namedModules(source).map((module) => module.file));
    return { clients, count: Math.min(hosts, clients), plugins: [...plugins] };
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
