import { open, type FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "@fedclair/core";

/** Size of the pieces in which a gzipped file is read and unzipped. */
const pieceBytes = 1 << 18;

/** The most that is read at once: Node.js takes the number as a 32-bit integer. */
const maximumRead = 1 << 30;

/** Deflate compresses 1032 bytes to one at best. */
const bestRatio = 1032;

/**
 * Reads the next available bytes into `target`.
 * @returns the number of bytes read; 0 at the end
 */
type Read = (target: Uint8Array) => Promise<number>;

/**
 * The bytes of a file from its beginning, or its unzipped bytes if the name ends in `.gz`. The file
 * is read and unzipped only as far as callers ask, so that a small file cannot become a large one
 * in memory.
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
    if (path.endsWith(".gz")) return new FileBytes(file, createGunzipReader(file, path), bestRatio);
    const readPlain = async (target: Uint8Array) =>
      (await file.read(target.subarray(0, maximumRead))).bytesRead;
    return new FileBytes(file, readPlain, 1);
  }

  /**
   * Fills `target` from the file.
   * @returns the number of bytes read; less than the length of `target` only at the end of the file
   */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const got = await this.#read(target.subarray(filled));
      if (got === 0) break;
      filled += got;
    }
    return filled;
  }

  /** Returns an upper bound of the number of bytes, known before they are read. */
  async maximumLength(): Promise<number> {
    const { size } = await this.#file.stat();
    return this.#ratio * size;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function createGunzipReader(file: FileHandle, path: string): Read {
  const stream = file.createReadStream({ highWaterMark: pieceBytes, autoClose: false });
  // Errors of the file reach the caller through the iterator over the unzipped pieces.
  const gunzip = pipeline(stream, createGunzip({ chunkSize: pieceBytes }), () => undefined);
  const pieces = gunzip[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  let piece: Uint8Array | undefined = new Uint8Array(0);
  return async (target) => {
    if (piece?.length === 0) piece = await readNextPiece(pieces, path);
    if (!piece) return 0;
    const part = piece.subarray(0, target.length);
    target.set(part);
    piece = piece.subarray(part.length);
    return part.length;
  };
}

/** Returns the next piece, or undefined at the end. */
async function readNextPiece(
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
