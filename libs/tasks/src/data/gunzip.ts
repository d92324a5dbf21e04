import { pipeline, Transform, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "@fedclair/core";

/** Size of the pieces in which a gzipped file is unzipped. */
export const pieceBytes = 1 << 18;

/** The bytes to which any gzipped file may unzip. */
const smallFile = 1 << 28;

/** The bytes to which each byte of a large file may unzip. Deflate could make 1032 of it. */
const mostRatio = 100;

/** Returns the most bytes that a gzipped file may unzip to. */
export function unzippedLimit(size: number): number {
  return Math.max(smallFile, mostRatio * size);
}

/**
 * Unzips a file as far as the result is read. Errors reach the reader of the stream: a `UserError`
 * if there are more bytes than `unzippedLimit` allows.
 * @param size the number of its bytes
 */
export function gunzip(path: string, file: Readable, size: number): Readable {
  const most = unzippedLimit(size);
  let unzipped = 0;
  const limit = new Transform({
    readableHighWaterMark: pieceBytes,
    transform(piece: Buffer, _encoding, done) {
      unzipped += piece.length;
      if (unzipped <= most) done(null, piece);
      else
        done(
          new UserError(
            `source: ${path}: expected at most ${most} bytes when it is unzipped, as it has ${size}, and it has more: if you trust it, unzip it yourself`,
          ),
        );
    },
  });
  return pipeline(file, createGunzip({ chunkSize: pieceBytes }), limit, () => undefined);
}
