import { readdir, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { UserError } from "@fedclair/core";
import { makeFolder, syncFolder, syncTree } from "@fedclair/runs";

/**
 * A new folder that is there whole or not at all, whenever the process is killed: written beside its place, and renamed.
 * @param path where it is to be
 * @param names of what it may hold: what an earlier attempt left goes, and nothing else
 * @returns where to write it
 * @throws UserError if something else stands there
 */
export async function beginFolder(path: string, names: readonly string[]): Promise<string> {
  const part = `${resolve(path)}.part`;
  await makeFolder(dirname(part));
  const held = await readdir(part).catch(() => []);
  if (!held.every((name) => names.includes(name))) {
    throw new UserError(`'${part}' is in the way: what is written goes there first; move it`);
  }
  await rm(part, { recursive: true, force: true });
  await makeFolder(part);
  return part;
}

/** Puts what was written into its place. @param path that of `beginFolder` */
export async function endFolder(path: string): Promise<void> {
  const part = `${resolve(path)}.part`;
  await syncTree(part);
  await rename(part, resolve(path));
  await syncFolder(dirname(part));
}
