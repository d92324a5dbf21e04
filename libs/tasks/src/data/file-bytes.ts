import { open, type FileHandle } from "node:fs/promises";
import { UserError } from "@fedclair/core";
import { gunzip, pieceBytes, unzippedLimit } from "./gunzip.js";
import { statFile } from "./small-file.js";
import { unreadable } from "./unreadable.js";

/** The most that is read at once: Node.js takes the number as a 32-bit integer. */
const maximumRead = 1 << 30;

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
  /** An upper bound of the number of bytes, known before they are read. */
  readonly maximumLength: number;

  private constructor(file: FileHandle, read: Read, maximumLength: number) {
    this.#file = file;
    this.#read = read;
    this.maximumLength = maximumLength;
  }

  /** @throws UserError if it is no file, as `statFile` says */
  static async open(path: string): Promise<FileBytes> {
    const { size } = await statFile(path);
    const file = await open(path);
    if (path.endsWith(".gz"))
      return new FileBytes(file, createGunzipReader(file, path, size), unzippedLimit(size));
    const readPlain = async (target: Uint8Array) =>
      (await file.read(target.subarray(0, maximumRead))).bytesRead;
    return new FileBytes(file, readPlain, size);
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

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function createGunzipReader(file: FileHandle, path: string, size: number): Read {
  const stream = file.createReadStream({ highWaterMark: pieceBytes, autoClose: false });
  const unzipped = gunzip(path, stream, size);
  const pieces = unzipped[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
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
    throw error instanceof UserError ? error : unreadable(path, error);
  }
}
