import { excerpt, sizeOf, UserError } from "@fedclair/core";
import { FileBytes } from "./file-bytes.js";

/*
 * Reads arrays of IDX (`…-ubyte`, as MNIST is published) and of NumPy's format (`.npy`), plain or
 * gzipped. Images stay bytes, because they would be four times larger in float32. Numbers of other
 * types are converted piece by piece.
 */

/**
 * Converts one piece of numbers.
 * @param start index in the array of the first number
 * @throws UserError if one cannot be converted
 */
type Convert<T> = (numbers: ArrayNumbers, into: T, start: number) => void;

export type ArrayNumbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** The header of an array file. */
interface Header {
  readonly shape: readonly number[];
  readonly type: NumberType;
}

interface NumberType {
  readonly bytes: number;
  readonly numbers: (buffer: ArrayBuffer, count: number) => ArrayNumbers;
}

/**
 * Keys are NumPy's names of types; IDX uses the first. Typed arrays are little-endian on every
 * supported machine.
 */
const types = {
  "|u1": { bytes: 1, numbers: (buffer, count) => new Uint8Array(buffer, 0, count) },
  "|b1": { bytes: 1, numbers: (buffer, count) => new Uint8Array(buffer, 0, count) },
  "|i1": { bytes: 1, numbers: (buffer, count) => new Int8Array(buffer, 0, count) },
  "<i2": { bytes: 2, numbers: (buffer, count) => new Int16Array(buffer, 0, count) },
  "<u2": { bytes: 2, numbers: (buffer, count) => new Uint16Array(buffer, 0, count) },
  "<u4": { bytes: 4, numbers: (buffer, count) => new Uint32Array(buffer, 0, count) },
  "<f4": { bytes: 4, numbers: (buffer, count) => new Float32Array(buffer, 0, count) },
  "<f8": { bytes: 8, numbers: (buffer, count) => new Float64Array(buffer, 0, count) },
  "<i4": { bytes: 4, numbers: (buffer, count) => new Int32Array(buffer, 0, count) },
  "<i8": {
    bytes: 8,
    numbers: (buffer, count) => Float64Array.from(new BigInt64Array(buffer, 0, count), Number),
  },
} as const satisfies Record<string, NumberType>;

/** Bytes of numbers that are converted at once: a multiple of the size of every type. */
const pieceBytes = 1 << 18;

/** NumPy itself writes about a hundred bytes, and refuses to read more than 10,000. */
const longestHeader = 1 << 16;

/** An array in an open file. */
interface ArrayFile {
  readonly shape: readonly number[];
  /**
   * Reads all numbers row by row. Call it once. Bytes that become bytes are not converted.
   * @param into as long as the shape requires
   * @param convert default: the numbers stay as they are
   * @throws UserError if there are fewer or more numbers, or if `convert` rejects one
   */
  readonly read: <T extends Uint8Array | Float64Array>(
    into: T,
    convert?: Convert<T>,
  ) => Promise<void>;
}

/**
 * Opens an array while `use` runs.
 * @throws UserError for another kind of file, or one that is too short for its shape
 */
export async function withArray<T>(
  path: string,
  use: (array: ArrayFile) => Promise<T>,
): Promise<T> {
  const bytes = await FileBytes.open(path);
  try {
    const header = await readHeader(bytes, path);
    // Checked before the caller allocates memory for the array.
    const { maximumLength: most } = bytes;
    if (most < countBytes(header)) throw tooShort(path, header, `at most ${most}`);
    return await use({
      shape: header.shape,
      read: (into, convert = copyNumbers) =>
        readAll(path, bytes, header, () =>
          header.type === types["|u1"] && into instanceof Uint8Array
            ? bytes.fill(into)
            : readAndConvert(bytes, into, header, convert),
        ),
    });
  } finally {
    await bytes.close();
  }
}

/**
 * Checks that a file has exactly the numbers of its header.
 * @param read returns the number of bytes that were read
 */
async function readAll(
  path: string,
  bytes: FileBytes,
  header: Header,
  read: () => Promise<number>,
): Promise<void> {
  const got = await read();
  if (got < countBytes(header)) throw tooShort(path, header, `${got}`);
  if ((await bytes.fill(new Uint8Array(1))) > 0) {
    throw new UserError(
      `${path}: expected ${formatExpectation(header)}, got more: its header is of other numbers; write it again`,
    );
  }
}

/**
 * Reads the numbers and converts them piece by piece.
 * @returns the number of bytes that were read
 */
async function readAndConvert<T extends Uint8Array | Float64Array>(
  bytes: FileBytes,
  into: T,
  { type: { bytes: size, numbers } }: Header,
  convert: Convert<T>,
): Promise<number> {
  const piece = new Uint8Array(pieceBytes);
  for (let start = 0; start < into.length;) {
    const count = Math.min(pieceBytes / size, into.length - start);
    const got = await bytes.fill(piece.subarray(0, size * count));
    if (got < size * count) return size * start + got;
    convert(numbers(piece.buffer, count), into.subarray(start, start + count) as T, start);
    start += count;
  }
  return size * into.length;
}

function copyNumbers(numbers: ArrayNumbers, into: Uint8Array | Float64Array): void {
  into.set(numbers);
}

async function readHeader(bytes: FileBytes, path: string): Promise<Header> {
  return /\.npy(\.gz)?$/.test(path)
    ? await readNpyHeader(bytes, path)
    : await readIdxHeader(bytes, path);
}

/**
 * Reads an IDX header: two zero bytes, the type of the numbers, the number of dimensions, and each
 * dimension as a big-endian 32-bit integer.
 */
async function readIdxHeader(bytes: FileBytes, path: string): Promise<Header> {
  const start = await readBytes(bytes, 4);
  const [zero, alsoZero, kind, rank = 0] = start;
  const dimensions = await readBytes(bytes, 4 * rank);
  if (zero !== 0 || alsoZero !== 0 || kind !== 8 || rank < 1 || dimensions.length < 4 * rank) {
    throw new UserError(
      `${path}: expected IDX of unsigned bytes (it begins 00 00 08), got '${start.toString("hex")}'`,
    );
  }
  const shape = Array.from({ length: rank }, (_, i) => dimensions.readUInt32BE(4 * i));
  return { shape, type: types["|u1"] };
}

/**
 * Reads a NumPy header of version 1 or 2 (numpy.lib.format): a magic word, the header's length, and
 * the header as a Python dictionary.
 */
async function readNpyHeader(bytes: FileBytes, path: string): Promise<Header> {
  const magic = await readBytes(bytes, 8);
  const length = await readBytes(bytes, magic[6] === 1 ? 2 : 4);
  const isNpy = magic.toString("latin1", 0, 6) === "\x93NUMPY" && length.length >= 2;
  const size = isNpy ? length.readUIntLE(0, length.length) : 0;
  const header = (await readBytes(bytes, Math.min(size, longestHeader))).toString("latin1");
  const [, dtype = ""] = /'descr': *'([^']*)'/.exec(header) ?? [];
  const [, dimensions] = /'shape': *\(([\d, ]*)\)/.exec(header) ?? [];
  if (/'fortran_order': *True/.test(header)) {
    throw new UserError(
      `${path}: expected numbers row by row, got columns (Fortran's order): save numpy.ascontiguousarray of it`,
    );
  }
  const shape = dimensions
    ?.split(",")
    .flatMap((text) => (text.trim() === "" ? [] : [Number(text)]));
  if (!shape || shape.includes(NaN)) {
    throw new UserError(`${path}: expected NumPy's format, got '${excerpt(header)}'`);
  }
  if (isSupported(dtype)) return { shape, type: types[dtype] };
  const names = Object.keys(types).join(", ");
  throw new UserError(
    `${path}: expected numbers of type ${names}, got '${excerpt(dtype)}': convert it, as with astype("<f4")`,
  );
}

function isSupported(dtype: string): dtype is keyof typeof types {
  return Object.hasOwn(types, dtype);
}

/** Reads `count` bytes, or fewer at the end of the file. */
async function readBytes(bytes: FileBytes, count: number): Promise<Buffer> {
  const buffer = Buffer.alloc(count);
  return buffer.subarray(0, await bytes.fill(buffer));
}

function tooShort(path: string, header: Header, got: string): UserError {
  return new UserError(
    `${path}: expected ${formatExpectation(header)}, got ${got}: the file is cut off; copy or fetch it again`,
  );
}

function formatExpectation(header: Header): string {
  return `${countBytes(header)} bytes of numbers for ${excerpt(header.shape.join("×"))}`;
}

function countBytes({ shape, type }: Header): number {
  return type.bytes * sizeOf(shape);
}
