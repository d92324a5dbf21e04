import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemErrorCode } from "../process/system-error.js";
import { syncFolder } from "./durable.js";

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
