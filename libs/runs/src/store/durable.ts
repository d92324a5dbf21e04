import { open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Writes a file whole or not at all: aside, onto the disk, and into its place. One that stood there stays until then.
 * @param content in pieces, which are written one after another
 * @param aside where; another name for each writer where several may write one file
 */
export async function writeWhole(
  path: string,
  content: string | Iterable<Uint8Array>,
  aside = `${path}.part`,
): Promise<void> {
  try {
    await writeSynced(aside, content);
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** The same bytes in fewer pieces: a call of the system for every small array would take longer than the disk. */
export function* batches(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    batch.push(piece);
    bytes += piece.length;
    if (bytes < 2 ** 20) continue;
    yield batch.length === 1 ? piece : Buffer.concat(batch);
    [batch, bytes] = [[], 0];
  }
  yield Buffer.concat(batch);
}

async function writeSynced(path: string, content: string | Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, "w");
  try {
    if (typeof content === "string") await file.writeFile(content);
    else for (const piece of content) await file.writeFile(piece);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Brings the names in a folder onto the disk: a file that was synced is lost all the same if its name is. */
export const syncFolder = syncPath;

/** Brings a folder onto the disk with everything in it. */
export async function syncTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    await syncPath(join(entry.parentPath, entry.name));
  }
  await syncPath(path);
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A file that only grows, each addition on the disk before the next. */
export class Log {
  readonly #file: FileHandle;
  #bytes: number;

  private constructor(file: FileHandle, bytes: number) {
    this.#file = file;
    this.#bytes = bytes;
  }

  /** @param bytes of what is there these are kept, and the rest goes */
  static async open(path: string, bytes: number): Promise<Log> {
    const file = await open(path, "a");
    try {
      await file.truncate(bytes);
      await syncFolder(dirname(path));
      return new Log(file, bytes);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Bytes that are on the disk. */
  get bytes(): number {
    return this.#bytes;
  }

  async append(text: string): Promise<void> {
    await this.#file.appendFile(text);
    await this.#file.datasync();
    this.#bytes += Buffer.byteLength(text);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
