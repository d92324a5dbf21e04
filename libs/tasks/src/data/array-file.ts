import { excerpt, sizeOf, UserError } from "@fedclair/core";
import { FileBytes } from "./file-bytes.js";

/*
 * Arrays of IDX (`…-ubyte`, as MNIST is published) and of NumPy's format (`.npy`), plain or gzipped, read as bytes: a collection of
 * images is four times larger as float32. Numbers of other types become bytes piece by piece.
 */

/**
 * Makes bytes of numbers that are none, a piece of them at a time.
 * @param start where in the array the first of them stands
 * @throws UserError if one cannot be a byte
 */
export type ToBytes = (numbers: Numbers, into: Uint8Array, start: number) => void;

export type Numbers = Float32Array | Float64Array | Int32Array;

/** What an array's file says before the numbers. */
interface Header {
  readonly shape: readonly number[];
  readonly type: NumberType;
}

interface NumberType {
  readonly bytes: number;
  /** Absent: they are bytes. */
  readonly numbers?: (buffer: ArrayBuffer, count: number) => Numbers;
}

/** Of NumPy's names; IDX has the first. Typed arrays are little-endian on every machine that we run on. */
const types = {
  "|u1": { bytes: 1 },
  "<f4": { bytes: 4, numbers: (buffer, count) => new Float32Array(buffer, 0, count) },
  "<f8": { bytes: 8, numbers: (buffer, count) => new Float64Array(buffer, 0, count) },
  "<i4": { bytes: 4, numbers: (buffer, count) => new Int32Array(buffer, 0, count) },
  "<i8": {
    bytes: 8,
    numbers: (buffer, count) => Float64Array.from(new BigInt64Array(buffer, 0, count), Number),
  },
} as const satisfies Record<string, NumberType>;

/** Of numbers that become bytes at once: a multiple of all their sizes. */
const pieceBytes = 1 << 18;

/** NumPy itself writes some hundred bytes, and refuses to read more than 10,000. */
const longestHeader = 1 << 16;

/** An array whose file is open. */
export interface ArrayFile {
  readonly shape: readonly number[];
  /**
   * Reads its numbers, row by row, once.
   * @param into as many as the shape says
   * @throws UserError where there are less or more of them, or `toBytes` refuses one
   */
  readonly read: (into: Uint8Array, toBytes: ToBytes) => Promise<void>;
}

/**
 * Opens an array for as long as `use` takes.
 * @throws UserError for another kind of file, or one that is too short for the shape that it names
 */
export async function withArray<T>(
  path: string,
  use: (array: ArrayFile) => Promise<T>,
): Promise<T> {
  const bytes = await FileBytes.open(path);
  try {
    const header = await readHeader(bytes, path);
    // Before anybody makes room for what is not there.
    const most = await bytes.most();
    if (most < sizeOfNumbers(header)) throw tooShort(path, header, `at most ${most}`);
    return await use({
      shape: header.shape,
      read: (into, toBytes) => readNumbers(path, bytes, header, into, toBytes),
    });
  } finally {
    await bytes.close();
  }
}

async function readNumbers(
  path: string,
  bytes: FileBytes,
  header: Header,
  into: Uint8Array,
  toBytes: ToBytes,
): Promise<void> {
  const { bytes: size, numbers } = header.type;
  const got = numbers
    ? await convert(bytes, into, { bytes: size, numbers }, toBytes)
    : await bytes.fill(into);
  if (got < sizeOfNumbers(header)) throw tooShort(path, header, `${got}`);
  if ((await bytes.fill(new Uint8Array(1))) > 0) {
    throw new UserError(
      `${path}: expected ${promised(header)}, got more: its header is of other numbers; write it again`,
    );
  }
}

/** @returns how many bytes were read */
async function convert(
  bytes: FileBytes,
  into: Uint8Array,
  { bytes: size, numbers }: Required<NumberType>,
  toBytes: ToBytes,
): Promise<number> {
  const piece = new Uint8Array(pieceBytes);
  for (let start = 0; start < into.length;) {
    const count = Math.min(pieceBytes / size, into.length - start);
    const got = await bytes.fill(piece.subarray(0, size * count));
    if (got < size * count) return size * start + got;
    toBytes(numbers(piece.buffer, count), into.subarray(start, start + count), start);
    start += count;
  }
  return size * into.length;
}

async function readHeader(bytes: FileBytes, path: string): Promise<Header> {
  return /\.npy(\.gz)?$/.test(path) ? await npyHeader(bytes, path) : await idxHeader(bytes, path);
}

/** Two bytes 0, the kind of numbers, the number of dimensions, each as a big-endian 32-bit integer. */
async function idxHeader(bytes: FileBytes, path: string): Promise<Header> {
  const start = await take(bytes, 4);
  const [zero, alsoZero, kind, rank = 0] = start;
  const dimensions = await take(bytes, 4 * rank);
  if (zero !== 0 || alsoZero !== 0 || kind !== 8 || rank < 1 || dimensions.length < 4 * rank) {
    throw new UserError(
      `${path}: expected IDX of unsigned bytes (it begins 00 00 08), got '${start.toString("hex")}'`,
    );
  }
  const shape = Array.from({ length: rank }, (_, i) => dimensions.readUInt32BE(4 * i));
  return { shape, type: types["|u1"] };
}

/** NumPy's format, version 1 or 2 (numpy.lib.format): a magic word, the length of a header, this in Python's notation. */
async function npyHeader(bytes: FileBytes, path: string): Promise<Header> {
  const magic = await take(bytes, 8);
  const length = await take(bytes, magic[6] === 1 ? 2 : 4);
  const isNpy = magic.toString("latin1", 0, 6) === "\x93NUMPY" && length.length >= 2;
  const size = isNpy ? length.readUIntLE(0, length.length) : 0;
  const header = (await take(bytes, Math.min(size, longestHeader))).toString("latin1");
  const [, dtype = ""] = /'descr': *'([^']*)'/.exec(header) ?? [];
  const [, dimensions] = /'shape': *\(([\d, ]*)\)/.exec(header) ?? [];
  if (dimensions === undefined || !/'fortran_order': *False/.test(header)) {
    throw new UserError(`${path}: expected NumPy's format, row by row, got '${excerpt(header)}'`);
  }
  const shape = dimensions.split(",").flatMap((text) => (text.trim() === "" ? [] : [Number(text)]));
  if (isKnown(dtype)) return { shape, type: types[dtype] };
  const names = Object.keys(types).join(", ");
  throw new UserError(`${path}: expected numbers of type ${names}, got '${excerpt(dtype)}'`);
}

function isKnown(dtype: string): dtype is keyof typeof types {
  return Object.hasOwn(types, dtype);
}

/** @returns less of them where the file ends */
async function take(bytes: FileBytes, count: number): Promise<Buffer> {
  const taken = Buffer.alloc(count);
  return taken.subarray(0, await bytes.fill(taken));
}

function tooShort(path: string, header: Header, got: string): UserError {
  return new UserError(
    `${path}: expected ${promised(header)}, got ${got}: the file is cut off; copy or fetch it again`,
  );
}

function promised(header: Header): string {
  return `${sizeOfNumbers(header)} bytes of numbers for ${header.shape.join("×")}`;
}

function sizeOfNumbers({ shape, type }: Header): number {
  return type.bytes * sizeOf(shape);
}
