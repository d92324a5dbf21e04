import { constants } from "node:fs";
import { open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Writes a file atomically: to a temporary file, then to disk, then renamed. An existing file stays
 * until then.
 * @param content pieces that are written one after another
 * @param aside the temporary file; if several processes may write the same file, each needs its own
 */
export async function writeWhole(
  path: string,
  content: string | Iterable<Uint8Array>,
  aside = `${path}.part`,
): Promise<void> {
  try {
    await writeAndSync(aside, content);
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Writes a value as indented JSON, like `writeWhole`. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeWhole(path, JSON.stringify(value, null, 2) + "\n");
}

/**
 * Joins the bytes into larger pieces. One system call per small array would take longer than the
 * disk.
 */
export function* joinPieces(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
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

/** Windows has no O_NOFOLLOW. */
export const { O_NOFOLLOW: noFollow = 0 } = constants as Partial<typeof constants>;

/**
 * The file is always a new one: a link that stands in its place would lead the content elsewhere.
 */
async function writeAndSync(path: string, content: string | Iterable<Uint8Array>): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  const create = () => open(path, O_WRONLY | O_CREAT | O_EXCL | noFollow);
  const file = await create().catch(async () => {
    await rm(path, { force: true });
    return await create();
  });
  try {
    if (typeof content === "string") await file.writeFile(content);
    else for (const piece of content) await file.writeFile(piece);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Syncs the names in a folder to disk. A synced file is still lost if its name is not synced. */
export const syncFolder = syncPath;

/** Syncs a folder and everything in it to disk. */
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

/** An append-only file. Each addition is on disk before the next one. */
export class Log {
  readonly #file: FileHandle;
  #bytes: number;

  private constructor(file: FileHandle, bytes: number) {
    this.#file = file;
    this.#bytes = bytes;
  }

  /** Opens a log. @param bytes the size to which an existing file is truncated */
  static async open(path: string, bytes: number): Promise<Log> {
    const { O_WRONLY, O_CREAT, O_APPEND } = constants;
    const file = await open(path, O_WRONLY | O_CREAT | O_APPEND | noFollow);
    try {
      await file.truncate(bytes);
      await syncFolder(dirname(path));
      return new Log(file, bytes);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Number of bytes that are on disk. */
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
