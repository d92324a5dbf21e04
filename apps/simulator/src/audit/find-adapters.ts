import { readdir } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import { UserError } from "@fedclair/core";
import { configFile } from "./peft.js";

/** An adapter that an audit is about. */
export interface AdapterFolder {
  /** Unique: the folder's own name, or its path from the folder that all adapters are in. */
  readonly name: string;
  readonly folder: string;
}

export interface FoundAdapters {
  readonly adapters: readonly AdapterFolder[];
  /** Folders beside adapters that have no configuration of one. */
  readonly skipped: readonly string[];
}

/** The adapters at the paths: each one itself, or a folder of some. @throws UserError where there is none */
export async function findAdapters(paths: readonly string[]): Promise<FoundAdapters> {
  const found = await Promise.all(paths.map(foldersAt));
  // A folder that is named twice is one adapter still.
  const folders = new Map(
    found.flatMap(({ adapters }) => adapters).map((folder) => [resolve(folder), folder]),
  );
  const names = namesOf([...folders.keys()]);
  return {
    adapters: [...folders.values()].map((folder, i) => ({ name: names[i] ?? folder, folder })),
    skipped: found.flatMap(({ skipped }) => skipped),
  };
}

async function foldersAt(path: string): Promise<{ adapters: string[]; skipped: string[] }> {
  const names = await readdir(path).catch(() => {
    throw new UserError(`no folder '${path}'`);
  });
  if (names.includes(configFile)) return { adapters: [path], skipped: [] };
  const adapters: string[] = [];
  const skipped: string[] = [];
  for (const name of names.sort()) {
    const folder = join(path, name);
    const entries = await readdir(folder).catch(() => undefined);
    if (entries !== undefined) (entries.includes(configFile) ? adapters : skipped).push(folder);
  }
  if (adapters.length > 0) return { adapters, skipped };
  throw new UserError(
    `no adapter in '${path}': neither it nor a folder in it has an ${configFile}`,
  );
}

/** @param folders absolute and distinct */
function namesOf(folders: readonly string[]): string[] {
  const short = folders.map((folder) => basename(folder));
  if (new Set(short).size === short.length) return short;
  const whole = folders.map((folder) => folder.split(sep));
  let shared = 0;
  while (whole.every((parts) => parts.length > shared + 1 && parts[shared] === whole[0]?.[shared]))
    shared++;
  return whole.map((parts) => parts.slice(shared).join(sep));
}
