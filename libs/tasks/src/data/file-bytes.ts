import { open, type FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "@fedclair/core";

/** Of a piece that is read or unzipped at once. */
const pieceBytes = 1 << 18;

/** That Node.js reads at once: it takes the number for 32 bits. */
const mostAtOnce = 1 << 30;

/** Deflate packs 1032 bytes into one at best. */
const bestRatio = 1032;

/** Puts the next bytes into `target`, as many as are at hand. @returns how many: 0 at the end */
type Read = (target: Uint8Array) => Promise<number>;

/**
 * The bytes of a file from its beginning, or, where its name ends in `.gz`, those that are zipped in it. It is read and unzipped
 * as far as it is asked for, so that a small file cannot become a large one in memory.
 */
export class FileBytes {
  readonly #file: FileHandle;
  readonly #read: Read;
  readonly #ratio: number;

  private constructor(file: FileHandle, read: Read, ratio: number) {
    this.#file = file;
    this.#read = read;
    this.#ratio = ratio;
  }

  static async open(path: string): Promise<FileBytes> {
    const file = await open(path);
    if (path.endsWith(".gz")) return new FileBytes(file, unzipped(file, path), bestRatio);
    const plain = async (target: Uint8Array) =>
      (await file.read(target.subarray(0, mostAtOnce))).bytesRead;
    return new FileBytes(file, plain, 1);
  }

  /** @returns how many bytes were put into `target`: less than it takes at the end of the file */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const got = await this.#read(target.subarray(filled));
      if (got === 0) break;
      filled += got;
    }
    return filled;
  }

  /** @returns more bytes than the file gives, or as many: known before they are read */
  async most(): Promise<number> {
    const { size } = await this.#file.stat();
    return this.#ratio * size;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function unzipped(file: FileHandle, path: string): Read {
  const stream = file.createReadStream({ highWaterMark: pieceBytes, autoClose: false });
  // What goes wrong with the file is thrown to whoever reads what comes out.
  const gunzip = pipeline(stream, createGunzip({ chunkSize: pieceBytes }), () => undefined);
  const pieces = gunzip[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  let piece: Uint8Array | undefined = new Uint8Array(0);
  return async (target) => {
    if (piece?.length === 0) piece = await next(pieces, path);
    if (!piece) return 0;
    const part = piece.subarray(0, target.length);
    target.set(part);
    piece = piece.subarray(part.length);
    return part.length;
  };
}

/** @returns undefined at the end */
async function next(
  pieces: AsyncIterator<Buffer, undefined>,
  path: string,
): Promise<Buffer | undefined> {
  try {
    return (await pieces.next()).value;
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (code === "Z_BUF_ERROR") {
      throw new UserError(`${path}: the gzip is cut off (${message}): copy or fetch it again`);
    }
    if (code.startsWith("Z_")) throw new UserError(`${path}: expected gzip: ${message}`);
    throw error;
  }
}
