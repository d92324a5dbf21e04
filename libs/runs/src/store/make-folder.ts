import { lstat, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError } from "@fedclair/core/errors";
import { systemErrorCode } from "../words/system-error.js";
import { syncFolder } from "./atomic-files.js";

/**
 * Creates a folder and its parents. `mkdir` with `recursive` would never return in places where no
 * folder can be created, such as `/proc`.
 * @returns false if the folder already existed
 */
export async function makeFolder(path: string): Promise<boolean> {
  try {
    return await makeOne(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    return makeOne(path); // another process may have created it meanwhile
  }
}

/**
 * Creates a folder inside the folder of a run, if there is none.
 * @throws UserError if something else stands there: a link would lead files elsewhere
 */
export async function makeOwnFolder(path: string): Promise<void> {
  await mkdir(path).catch(async (error: unknown) => {
    if (systemErrorCode(error) !== "EEXIST") throw error;
    if ((await lstat(path)).isDirectory()) return;
    throw new UserError(`'${path}': expected a folder, got a link or a file: remove it`);
  });
}

async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    // otherwise a power cut could lose the folder with all files synced in it
    await syncFolder(dirname(path));
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST" && (await stat(path)).isDirectory()) return false;
    throw error;
  }
}
