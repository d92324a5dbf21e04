import { AsyncLocalStorage } from "node:async_hooks";
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
  type Stats,
} from "node:fs";
import { resolve, sep } from "node:path";
import { UserError } from "@fedclair/core/errors";
import { systemErrorCode } from "../words/system-error.js";

/** An error of the operating system while a file was opened or read. */
export class UnreadableError extends UserError {
  /** The code of the system, such as `ENOENT`. */
  override readonly code: string;

  constructor(file: string, error: unknown) {
    const code = systemErrorCode(error) ?? "?";
    super(`cannot read '${file}' (${code})`);
    this.code = code;
  }
}

/** The real path of the folder that must hold all files which are opened; undefined: any file. */
const confinement = new AsyncLocalStorage<string | undefined>();

/** Runs `act`, in which regular files are opened only inside a folder, also after links. */
export function readOnlyInside<T>(folder: string, act: () => T): T {
  // A folder that does not exist yet holds no links.
  return confinement.run(existsSync(folder) ? realpathSync(folder) : resolve(folder), act);
}

/** Runs `act`, in which files are opened anywhere, although its caller is confined to a folder. */
export function readAnywhere<T>(act: () => T): T {
  return confinement.run(undefined, act);
}

/**
 * Does the caller read inside a folder only? It then serves the files of others, and no file may
 * keep it busy.
 */
export function isConfined(): boolean {
  return confinement.getStore() !== undefined;
}

/** @throws UserError if a file lies outside the folder of `readOnlyInside` */
function requireInside(file: string): void {
  const folder = confinement.getStore();
  if (folder === undefined) return;
  let real: string;
  try {
    real = realpathSync(file);
  } catch (error) {
    throw new UnreadableError(file, error);
  }
  if (real.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return;
  throw new UserError(`'${file}': expected a file in '${folder}', got a link that leads out of it`);
}

/**
 * Opens a file for reading. A file that others provide may be a FIFO or a device, which would block
 * the process. So it is opened without waiting, and what was opened is checked.
 * @returns the descriptor, which the caller closes
 * @throws UnreadableError if it cannot be opened, UserError if it is not a regular file, or outside
 *   the folder of `readOnlyInside`
 */
export function openRegularFile(file: string): number {
  requireInside(file);
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
