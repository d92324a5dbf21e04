import { deflateSync, inflateSync } from "node:zlib";
import { UserError } from "@fedclair/core";
import { requireFewPixels } from "./png-image.js";

/** A chunk of a PNG file, with its length, type and checksum. */
interface Chunk {
  readonly type: string;
  readonly whole: Uint8Array;
  readonly data: Uint8Array;
}

const signatureBytes = 8;

/** The bytes of a chunk beside its data: length, type and checksum. */
const chunkBytes = 12;

/**
 * The most chunks of an image. Encoders write its pixels in chunks of 8 KiB or more, and a decoder
 * takes 20 µs for each chunk.
 */
const mostChunks = 10_000;

/** Deflate compresses 1032 bytes to one at best. */
const bestRatio = 1032;

/** The bytes to which any image may unpack. */
const smallImage = 1 << 24;

/**
 * Bounds what a PNG decoder unpacks. Colour profiles are left out. If the pixels could unpack to
 * far more bytes than the image has, they are unpacked here, as far as its size allows.
 * @returns a file with the same image
 * @throws UserError with the path and the limit
 */
export function boundPng(file: Uint8Array, path: string): Uint8Array {
  requireFewPixels(file, path);
  const chunks = listChunks(file);
  if (chunks.length > mostChunks) {
    throw new UserError(
      `source: ${path}: expected at most ${mostChunks} parts (chunks), got more: save the image again`,
    );
  }
  // The decoder takes the last header, and only the first one was checked.
  if (chunks.some(({ type }, i) => type === "IHDR" && i > 0)) {
    throw new UserError(
      `source: ${path}: expected one header, at the beginning of the image: save the image again`,
    );
  }
  const pixels = chunks.filter(({ type }) => type === "IDAT");
  const packed = pixels.reduce((sum, { data }) => sum + data.length, 0);
  const hasProfile = chunks.some(({ type }) => type === "iCCP");
  const isSmall = bestRatio * packed <= smallImage;
  if (isSmall && !hasProfile) return file;
  const kept = chunks.filter(({ type }) => type !== "iCCP");
  const signature = file.subarray(0, signatureBytes);
  if (isSmall) return Buffer.concat([signature, ...kept.map(({ whole }) => whole)]);
  const most = unpackedBytes(file);
  const unpacked = inflate(Buffer.concat(pixels.map(({ data }) => data)), most);
  if (unpacked === "more") {
    throw new UserError(
      `source: ${path}: expected its pixels to unpack to at most ${most} bytes, as its size says, and they unpack to more: save the image again`,
    );
  }
  if (!unpacked) return file; // the decoder says what is wrong
  const first = kept.findIndex(({ type }) => type === "IDAT");
  const stored = createChunk("IDAT", deflateSync(unpacked, { level: 0 }));
  const others = kept.flatMap(({ type, whole }, i) =>
    i === first ? [stored] : type === "IDAT" ? [] : [whole],
  );
  return Buffer.concat([signature, ...others]);
}

/** Lists the chunks up to the first one that is cut off, or to one too many. */
function listChunks(file: Uint8Array): readonly Chunk[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const chunks: Chunk[] = [];
  for (let at = signatureBytes; at + chunkBytes <= file.length && chunks.length <= mostChunks;) {
    const end = at + chunkBytes + view.getUint32(at);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    chunks.push({ type, whole: file.subarray(at, end), data: file.subarray(at + 8, end - 4) });
    at = end;
  }
  return chunks;
}

/** Returns the bytes of all rows with their filters, and as many again for interlaced images. */
function unpackedBytes(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const [width, height, depth] = [view.getUint32(16), view.getUint32(20), view.getUint8(24)];
  const mostChannels = 4;
  return 2 * height * (1 + Math.ceil((width * mostChannels * depth) / 8));
}

/** @returns "more" if there are more bytes than allowed; undefined if it is not zlib's format */
function inflate(packed: Uint8Array, most: number): Uint8Array | "more" | undefined {
  try {
    return inflateSync(packed, { maxOutputLength: Math.max(most, smallImage) });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "more" : undefined;
  }
}

function createChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = Buffer.alloc(chunkBytes + data.length);
  chunk.writeUInt32BE(data.length);
  chunk.write(type, 4, "latin1");
  chunk.set(data, 8);
  return chunk; // the decoder does not check sums
}
