import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { UserError } from "@fedclair/core/errors";
import { systemErrorCode } from "../words/system-error.js";

/** An error of the operating system while a file was opened or read. */
export class UnreadableError extends UserError {
  /** The code of the system, such as `ENOENT`. */
  readonly code: string;

  constructor(file: string, error: unknown) {
    const code = systemErrorCode(error) ?? "?";
    super(`cannot read '${file}' (${code})`);
    this.code = code;
  }
}

/**
 * Opens a file for reading. A file that others provide may be a FIFO or a device, which would block
 * the process. So it is opened without waiting, and what was opened is checked.
 * @returns the descriptor, which the caller closes
 * @throws UnreadableError if it cannot be opened, UserError if it is not a regular file
 */
export function openRegularFile(file: string): number {
  let descriptor: number;
  try {
    // Windows has no O_NONBLOCK and no FIFOs in folders.
    const { O_RDONLY, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants as Partial<typeof constants>;
    descriptor = openSync(file, (O_RDONLY ?? 0) | O_NONBLOCK | O_NOCTTY);
  } catch (error) {
    if (systemErrorCode(error) !== "ENXIO") throw new UnreadableError(file, error);
    throw new UserError(`'${file}': expected a regular file, got a socket or a device`);
  }
  const stats = fstatSync(descriptor);
  if (stats.isFile()) return descriptor;
  closeSync(descriptor);
  throw new UserError(`'${file}': expected a regular file, got ${describeKind(stats)}`);
}

function describeKind(stats: Stats): string {
  if (stats.isFIFO()) return "a FIFO";
  return stats.isDirectory() ? "a folder" : "a device";
}

/**
 * Reads a text that others provide.
 * @throws UnreadableError if the system cannot read it; UserError if it is not a regular file,
 *   longer than `maxBytes`, or not UTF-8
 */
export function readText(file: string, maxBytes: number): string {
  const bytes = readBytes(file, maxBytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(`'${file}': expected text in UTF-8, got other bytes`);
  }
}

/**
 * Reads a file that others provide.
 * @throws UnreadableError if the system cannot read it; UserError if it is not a regular file, or
 *   longer than `maxBytes`
 */
export function readBytes(file: string, maxBytes: number): Uint8Array {
  const descriptor = openRegularFile(file);
  try {
    const { size } = fstatSync(descriptor);
    if (size > maxBytes) {
      throw new UserError(`'${file}': expected at most ${maxBytes} bytes, got ${size}`);
    }
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, size, 0));
  } catch (error) {
    throw error instanceof UserError ? error : new UnreadableError(file, error);
  } finally {
    closeSync(descriptor);
  }
}
