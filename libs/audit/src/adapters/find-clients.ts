import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { UserError } from "@fedclair/core";
import { isName } from "@fedclair/core/internal";
import { findAdaptersInside, type AdapterFolder } from "./find-adapters.js";
import { listEntries, type FolderEntry } from "./list-entries.js";
import { configFile } from "./peft-config.js";

/** The clients of a round. */
interface FoundClients {
  /** Each is a folder with one adapter; sorted by name. */
  readonly clients: readonly AdapterFolder[];
  /** The reasons why other folders of the round are not used, by name. */
  readonly faults: ReadonlyMap<string, string>;
}

/**
 * Finds the clients of a round. Every folder directly in it is one client with one adapter, so that
 * no client can take part several times.
 * @throws UserError if there is no folder, or the round itself is an adapter
 */
export async function findClients(round: string): Promise<FoundClients> {
  const entries = await listEntries(round).catch(() => {
    throw new UserError(`no folder '${round}'`);
  });
  if (entries.some(({ name }) => name === configFile)) {
    throw new UserError(
      `'${round}' is an adapter: give the folder of a round, which has one folder for each client`,
    );
  }
  const clients: AdapterFolder[] = [];
  const faults = new Map<string, string>();
  for (const entry of entries.filter(({ type }) => !type.isFile())) {
    const { name, shown } = entry;
    const folder = join(round, name);
    // Tools keep folders such as .cache and .git beside the clients'.
    if (name.startsWith(".") && !existsSync(join(folder, configFile))) continue;
    const fault = await findFault(folder, entry);
    if (fault !== undefined) faults.set(shown, fault);
    else if (entry.type.isDirectory()) clients.push({ name, folder });
  }
  if (clients.length + faults.size > 0) return { clients, faults };
  throw new UserError(`no client in '${round}': expected a folder for each client`);
}

/** Describes why an entry of a round cannot be used; undefined for clients and for files. */
async function findFault(
  folder: string,
  { name, shown, isRead, type }: FolderEntry,
): Promise<string | undefined> {
  if (!isRead || name !== shown || !isName(name)) return noClientName;
  if (type.isSymbolicLink()) {
    const target = await stat(folder).catch(() => undefined);
    return target?.isFile() ? undefined : "a link: expected a folder, with the files in it";
  }
  if (!type.isDirectory()) return "neither a folder nor a file: expected a folder";
  const entries = await listEntries(folder).catch(() => []);
  const link = entries.find((one) => one.type.isSymbolicLink());
  if (link) return `'${link.shown}' in it is a link: expected the file or folder itself`;
  const [inner, ...more] = await findAdaptersInside(folder);
  const hasConfig = entries.some(({ name }) => name === configFile);
  if (inner === undefined) {
    return hasConfig ? undefined : `no ${configFile}: was it written to its end?`;
  }
  const where = `'${relative(folder, inner)}'`;
  if (!hasConfig) {
    return `no ${configFile}, but ${where} in it has one: expected the adapter directly in the client's folder`;
  }
  const others = more.length === 0 ? where : `${where} and ${more.length} more`;
  return `adapters deeper in it: ${others}; expected one adapter, directly in the client's folder`;
}

const noClientName =
  "a client cannot have this name: expected at most 128 printable characters in UTF-8, without a dot " +
  "at the start, a space at an end or a backslash";
