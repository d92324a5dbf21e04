import { readdir, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { UserError } from "@fedclair/core";
import { makeFolder, syncFolder, syncTree } from "@fedclair/runs";

/**
 * Begins a folder that is either complete or absent, even if the process is killed. It is written
 * next to its destination and renamed at the end.
 * @param path the destination
 * @param names of the entries that an earlier attempt may have left; these are removed
 * @returns the folder to write into
 * @throws UserError if that folder holds anything else
 */
export async function beginFolder(path: string, names: readonly string[]): Promise<string> {
  const part = `${resolve(path)}.part`;
  await makeFolder(dirname(part));
  const entries = await readdir(part).catch(() => []);
  if (!entries.every((name) => names.includes(name))) {
    throw new UserError(`'${part}' is in the way: files are written there first; move it`);
  }
  await rm(part, { recursive: true, force: true });
  await makeFolder(part);
  return part;
}

/** Moves the written folder to its destination. @param path the same as for `beginFolder` */
export async function endFolder(path: string): Promise<void> {
  const part = `${resolve(path)}.part`;
  await syncTree(part);
  await rename(part, resolve(path));
  await syncFolder(dirname(part));
}
