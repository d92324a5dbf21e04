import type { Stats } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { UserError } from "@fedclair/core";
import { tooLate } from "./reading-time.js";

/** The most bytes of a file that is read at once. */
const largestFile = 1 << 28;

/**
 * Reads a file into memory.
 * @param signal of `startReading`
 * @param mostBytes fewer if its values take far more memory than its bytes
 * @throws UserError if it is too large, too late, or a device or pipe that may never end
 */
export async function readSmallFile(
  path: string,
  signal: AbortSignal,
  mostBytes = largestFile,
): Promise<Buffer> {
  const entry = await statFile(path);
  if (signal.aborted) throw tooLate(path);
  if (entry.size <= mostBytes) return await readFile(path);
  throw new UserError(
    `source: ${path}: expected at most ${mostBytes} bytes, got ${entry.size}: split the file`,
  );
}

/**
 * Checks that a path leads to a file, and to none of the kernel: reading `/proc/kmsg` never ends.
 * @throws UserError if it does not
 */
export async function statFile(path: string): Promise<Stats> {
  const entry = await stat(path);
  if (!entry.isFile()) throw new UserError(`source: ${path}: expected a file`);
  if (entry.size > 0 || !/^\/(proc|sys)\//.test(await realpath(path))) return entry;
  throw new UserError(`source: ${path}: expected a file of data, got one of the kernel`);
}
