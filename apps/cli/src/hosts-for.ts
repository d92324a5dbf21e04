import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { UserError } from "@fedclair/core";
import { clientCount } from "@fedclair/core/internal";
import { namedModules } from "@fedclair/plugins/host";
import type { Hosts } from "./federation.js";

/**
 * The hosts of a trial, by a first look at it: one a core unless told otherwise, and never a host without clients.
 * @returns undefined of a trial with faults
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
