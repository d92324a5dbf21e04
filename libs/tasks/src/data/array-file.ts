import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { excerpt, sizeOf, UserError } from "@fedclair/core";

/** An array as a file has it, row by row. */
export interface ArrayFile {
  readonly shape: readonly number[];
  /** Bytes stay bytes: a collection of images is four times larger as float32. */
  readonly data: Uint8Array | Float32Array;
}

/** Names of files that can be read. */
export const arrayFileName = /(-ubyte|\.npy)(\.gz)?$/;

/**
 * Reads IDX (`…-ubyte`, as MNIST is published) or NumPy's format (`.npy`), plain or gzipped.
 * @throws UserError for another kind of numbers, or a file that is cut off
 */
export async function readArrayFile(path: string): Promise<ArrayFile> {
  const stored = await readFile(path);
  const bytes = path.endsWith(".gz") ? await unzipped(stored, path) : stored;
  return /\.npy(\.gz)?$/.test(path) ? parseNpy(bytes, path) : parseIdx(bytes, path);
}

async function unzipped(bytes: Buffer, path: string): Promise<Buffer> {
  return await promisify(gunzip)(bytes).catch((error: unknown) => {
    throw new UserError(`${path}: expected gzip: ${String(error)}`);
  });
}

/** Two bytes 0, the kind of numbers, the number of dimensions, each as a big-endian 32-bit integer, the numbers. */
function parseIdx(bytes: Buffer, path: string): ArrayFile {
  const [zero, alsoZero, kind, rank = 0] = bytes;
  if (zero !== 0 || alsoZero !== 0 || kind !== 8 || rank < 1 || bytes.length < 4 + 4 * rank) {
    throw new UserError(
      `${path}: expected IDX of unsigned bytes (it begins 00 00 08), got '${bytes.toString("hex", 0, 4)}'`,
    );
  }
  const shape = Array.from({ length: rank }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  return { shape, data: whole(bytes.subarray(4 + 4 * rank), shape, 1, path) };
}

/** Of a NumPy dtype: bytes a number, and how it is read. */
const dtypes: Readonly<
  Record<string, [bytes: number, read: (view: DataView, at: number) => number]>
> = {
  "<f4": [4, (view, at) => view.getFloat32(at, true)],
  "<f8": [8, (view, at) => view.getFloat64(at, true)],
  "<i4": [4, (view, at) => view.getInt32(at, true)],
  "<i8": [8, (view, at) => Number(view.getBigInt64(at, true))],
};

/** NumPy's format, version 1 or 2 (numpy.lib.format): a magic word, a header in Python's notation, the numbers. */
function parseNpy(bytes: Buffer, path: string): ArrayFile {
  const isLong = bytes[6] !== 1;
  const start = isLong ? 12 : 10;
  const isNpy = bytes.length >= start && bytes.toString("latin1", 0, 6) === "\x93NUMPY";
  const end = isNpy ? start + (isLong ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8)) : 0;
  const header = bytes.toString("latin1", start, end);
  const [, dtype = ""] = /'descr': *'([^']*)'/.exec(header) ?? [];
  const [, dimensions] = /'shape': *\(([^)]*)\)/.exec(header) ?? [];
  if (!isNpy || dimensions === undefined || !/'fortran_order': *False/.test(header)) {
    throw new UserError(`${path}: expected NumPy's format, row by row, got '${excerpt(header)}'`);
  }
  const shape = dimensions.split(",").flatMap((text) => (text.trim() === "" ? [] : [Number(text)]));
  const content = bytes.subarray(end);
  if (dtype === "|u1") return { shape, data: whole(content, shape, 1, path) };
  const known = Object.hasOwn(dtypes, dtype) ? dtypes[dtype] : undefined;
  if (!known) {
    const names = ["|u1", ...Object.keys(dtypes)].join(", ");
    throw new UserError(`${path}: expected numbers of type ${names}, got '${excerpt(dtype)}'`);
  }
  const [size, read] = known;
  const numbers = whole(content, shape, size, path);
  const view = new DataView(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return {
    shape,
    data: Float32Array.from({ length: numbers.length / size }, (_, i) => read(view, i * size)),
  };
}

function whole(content: Buffer, shape: readonly number[], size: number, path: string): Uint8Array {
  const wanted = size * sizeOf(shape);
  if (content.length === wanted) return content;
  throw new UserError(
    `${path}: expected ${wanted} bytes of numbers for ${shape.join("×")}, got ${content.length}: is it cut off?`,
  );
}
