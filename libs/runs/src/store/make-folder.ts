import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemErrorCode } from "../process/system-error.js";
import { syncFolder } from "./durable.js";

/**
 * As `mkdir` with `recursive`, which never ends in a place where nothing can be made, such as `/proc`.
 * @returns false of a folder that was there
 */
export async function makeFolder(path: string): Promise<boolean> {
  try {
    return await makeLast(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    return makeLast(path); // another process may have made it since
  }
}

async function makeLast(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    await syncFolder(dirname(path)); // else a power cut could lose the folder with all that was synced in it
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST" && (await stat(path)).isDirectory()) return false;
    throw error;
  }
}
