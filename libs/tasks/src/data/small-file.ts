import { readFile, stat } from "node:fs/promises";
import { UserError } from "@fedclair/core";

/** The most bytes of a file that is read at once. */
const mostBytes = 1 << 28;

/**
 * Reads a file into memory.
 * @throws UserError if it is too large, or a device or pipe that may never end
 */
export async function readSmallFile(path: string): Promise<Buffer> {
  const entry = await stat(path);
  if (!entry.isFile()) throw new UserError(`source: ${path}: expected a file`);
  if (entry.size <= mostBytes) return await readFile(path);
  throw new UserError(
    `source: ${path}: expected at most ${mostBytes} bytes, got ${entry.size}: split the file`,
  );
}
