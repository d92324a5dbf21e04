import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { UserError } from "@fedclair/core";
import { clientCount } from "@fedclair/core/internal";
import { namedModules } from "@fedclair/plugins/host";
import type { Hosts } from "./federation.js";

/**
 * Determines the hosts of a trial from a first look at its file: one per core by default, but never
 * more hosts than clients.
 * @returns undefined if the trial has faults
 */
export async function hostsFor(
  file: string,
  { set, hosts = availableParallelism() }: { set: readonly string[]; hosts?: number },
): Promise<Hosts | undefined> {
  const clients = clientCount(await readFile(file, "utf8").catch(() => ""), set);
  const modules = await namedModules(file, set).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
  if (clients === undefined || modules === undefined) return undefined;
  const plugins = [...new Set(modules.map((module) => module.file))];
  return { clients, count: Math.min(hosts, clients), plugins };
}
