import { UserError } from "../words/errors.js";
import {
  countNumbers,
  dtypeOf,
  readNumbers,
  shapeText,
  sizeOf,
  type Dense,
  type Numbers,
  type Params,
  type StoredParams,
  type Tensor,
} from "./tensor.js";
import { toBfloat16 } from "./packed.js";
import {
  halfToNumber,
  lookUp,
  ofOneThread,
  unpackBfloat16,
  unpackFloat16,
  type Allocate,
} from "./unpack.js";

/*
 * The safetensors format (https://huggingface.co/docs/safetensors): the header's length as a
 * little-endian u64, the header as JSON, then the tensors' bytes, row-major and little-endian,
 * without holes or overlaps. Typed arrays are little-endian on every machine that TensorFlow.js
 * runs on, so bytes are copied unchanged.
 */

/** The limit of the reference implementation. It stops a header that would take all memory. */
const maxHeaderBytes = 100_000_000;

const metadataKey = "__metadata__";

/** How numbers are stored in a file. */
export type StoredType = "F64" | "F32" | "F16" | "BF16" | "F8_E4M3" | "F8_E5M2";

interface Storage {
  /** Bytes per entry. */
  readonly size: number;
  /** Converts bytes to numbers, in memory from `allocate`. */
  read(bytes: Uint8Array, allocate: Allocate): Numbers;
  /** Converts numbers to bytes, each rounded to the nearest. */
  write(data: Numbers): ArrayBufferView;
}

const byteTable = (toNumber: (bits: number) => number) =>
  Float32Array.from({ length: 256 }, (_, bits) => toNumber(bits));

const storages: Readonly<Record<StoredType, Storage>> = {
  F64: {
    size: 8,
    read: (bytes, allocate) => new Float64Array(copied(bytes, allocate)),
    write: (data) => (data instanceof Float64Array ? data : Float64Array.from(data)),
  },
  F32: {
    size: 4,
    read: (bytes, allocate) => new Float32Array(copied(bytes, allocate)),
    write: (data) => (data instanceof Float32Array ? data : Float32Array.from(data)),
  },
  F16: {
    size: 2,
    read: (bytes, allocate) => unpackFloat16(inPairs(bytes), allocate),
    write: (data) => Uint16Array.from(data, numberToHalf),
  },
  BF16: {
    size: 2,
    read: (bytes, allocate) => unpackBfloat16(inPairs(bytes), allocate),
    write: (data) => toBfloat16({ shape: [data.length], data }).codes,
  },
  // Written as the next larger type that holds them, because nobody trains in eight bits.
  F8_E4M3: {
    size: 1,
    read: (bytes, allocate) => lookUp(bytes, byteTable(e4m3ToNumber), allocate),
    write: (data) => Uint16Array.from(data, numberToHalf),
  },
  F8_E5M2: {
    size: 1,
    read: (bytes, allocate) =>
      lookUp(
        bytes,
        byteTable((bits) => halfToNumber(bits << 8)),
        allocate,
      ),
    write: (data) => Uint16Array.from(data, numberToHalf),
  },
};

/** Where a tensor lies in a file. */
export interface StoredTensor {
  readonly name: string;
  readonly type: StoredType;
  readonly shape: readonly number[];
  /** Its bytes in the file: `begin` … `end` - 1. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: readonly StoredTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes named tensors, in their order, as safetensors. The same params give the same bytes.
 * @param metadata free text by key, in the header's `__metadata__`
 * @param types how to store tensors, by name; by default as F32 or F64, like their numbers. Types
 * of eight bits become F16
 * @throws RangeError when a tensor's shape and length disagree, or its name is `__metadata__`
 */
export function encodeSafetensors(...params: Parameters<typeof safetensorsPieces>): Uint8Array {
  const pieces = [...safetensorsPieces(...params)];
  const bytes = new Uint8Array(pieces.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * Returns the same bytes in pieces. Numbers that are elsewhere are read when their piece is wanted.
 * Pieces are views of the tensors that are stored unchanged, so these are not copied.
 */
export function safetensorsPieces(
  params: StoredParams,
  metadata: Readonly<Record<string, string>> = {},
  types: ReadonlyMap<string, StoredType> = new Map(),
): Iterable<Uint8Array> {
  const fields: string[] = [];
  if (Object.keys(metadata).length > 0) fields.push(`"__metadata__":${JSON.stringify(metadata)}`);
  const bodies: { readonly tensor: Tensor; readonly storage: Storage }[] = [];
  let end = 0;
  for (const [name, tensor] of params) {
    const { shape } = tensor;
    const count = countNumbers(tensor);
    if (name === "__metadata__") throw new RangeError('a tensor cannot be named "__metadata__"');
    if (sizeOf(shape) !== count) {
      throw new RangeError(
        `tensor ${JSON.stringify(name)}: shape ${shapeText(shape)} needs ${sizeOf(shape)} entries, got ${count}`,
      );
    }
    const wanted = types.get(name) ?? (dtypeOf(tensor) === "f32" ? "F32" : "F64");
    const dtype = wanted.startsWith("F8_") ? "F16" : wanted;
    const storage = storages[dtype];
    bodies.push({ tensor, storage });
    const begin = end;
    end += storage.size * count;
    const entry = { dtype, shape, data_offsets: [begin, end] };
    // Put together by hand: an object would move names that look like integers to the front.
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(prefixBytes + headerBytes).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerBytes), true);
  header.set(json, prefixBytes);
  return pieces();

  function* pieces(): Generator<Uint8Array> {
    yield header;
    for (const { tensor, storage } of bodies) {
      const { buffer, byteOffset, byteLength } = storage.write(readNumbers(tensor));
      yield new Uint8Array(buffer, byteOffset, byteLength);
    }
  }
}

/**
 * Reads safetensors of types F64, F32, F16, BF16, F8_E4M3 and F8_E5M2, in the order of their bytes.
 * The last four become float32.
 * @throws UserError if the bytes are not such a file: cut short, with holes, of another type
 */
export function decodeSafetensors(
  bytes: Uint8Array,
): SafetensorsHeader & { readonly params: Params } {
  return decodeAll(bytes, decodeTensor);
}

/**
 * Reads safetensors like `decodeSafetensors`, but numbers of F64 and F32 are views of the bytes
 * wherever they lie on a multiple of their size, as most programs write them.
 * @param bytes must not change as long as the params are used
 */
export function viewSafetensors(
  bytes: Uint8Array,
): SafetensorsHeader & { readonly params: Params } {
  return decodeAll(bytes, (stored, own) => {
    const data = viewNumbers(stored.type, own);
    return data ? { shape: stored.shape, data } : decodeTensor(stored, own);
  });
}

function decodeAll(bytes: Uint8Array, decode: (stored: StoredTensor, own: Uint8Array) => Dense) {
  const header = decodeHeader(bytes.subarray(0, headerEnd(bytes, bytes.length)), bytes.length);
  const params = new Map<string, Dense>();
  for (const stored of header.tensors) {
    params.set(stored.name, decode(stored, bytes.subarray(stored.begin, stored.end)));
  }
  return { ...header, params };
}

/** Number of leading bytes of a file that give the length of its header. */
export const prefixBytes = 8;

/**
 * Returns where the header of a file ends and the tensors begin.
 * @param prefix the file's first 8 bytes, or more
 * @param fileBytes the file's length
 * @param maxBytes maximum length of the header; parsing takes up to thirty times as much memory
 */
export function headerEnd(
  prefix: Uint8Array,
  fileBytes: number,
  maxBytes = maxHeaderBytes,
): number {
  if (prefix.length < prefixBytes) throw bad(`${prefix.length} bytes are too few for a header`);
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  const rest = fileBytes - prefixBytes;
  if (headerBytes > rest) throw bad(`the header claims ${headerBytes} bytes, ${rest} follow`);
  if (headerBytes <= maxBytes) return prefixBytes + headerBytes;
  throw bad(`the header has ${headerBytes} bytes, at most ${maxBytes} are expected`);
}

/**
 * Reads the header of a file, which lists its tensors. A large file need not be read at once.
 * @param start the file up to `headerEnd`
 */
export function decodeHeader(start: Uint8Array, fileBytes: number): SafetensorsHeader {
  const fields = parseHeader(start.subarray(prefixBytes));
  // Without the rest of a destructuring, which would copy a header of a million tensors.
  const tensors: StoredTensor[] = [];
  for (const name of Object.keys(fields)) {
    if (name !== metadataKey) tensors.push(toStored(name, fields[name], start.length));
  }
  tensors.sort((x, y) => x.begin - y.begin || x.end - y.end);
  let at = start.length;
  for (const { name, begin, end } of tensors) {
    const tensor = `tensor ${JSON.stringify(name)}`;
    if (begin !== at) {
      throw bad(`${tensor} begins at byte ${begin - start.length}, not ${at - start.length}`);
    }
    if (end > fileBytes) {
      const [wanted, there] = [end - start.length, fileBytes - start.length];
      throw bad(`${tensor} ends at byte ${wanted} of ${there}: the file is cut short`);
    }
    at = end;
  }
  if (at !== fileBytes) throw bad(`${fileBytes - at} bytes follow the last tensor`);
  return { tensors, metadata: toMetadata(fields[metadataKey]) };
}

/**
 * @param bytes of the tensor alone: they are copied, and need not lie on a multiple of their size
 * @param allocate gives the memory that the numbers will lie in
 */
export function decodeTensor(
  { type, shape }: StoredTensor,
  bytes: Uint8Array,
  allocate: Allocate = ofOneThread,
): Dense {
  return { shape, data: storages[type].read(bytes, allocate) };
}

function viewNumbers(
  type: StoredType,
  { buffer, byteOffset, length }: Uint8Array,
): Numbers | undefined {
  if (type === "F32" && byteOffset % 4 === 0)
    return new Float32Array(buffer, byteOffset, length / 4);
  if (type === "F64" && byteOffset % 8 === 0)
    return new Float64Array(buffer, byteOffset, length / 8);
  return undefined;
}

function bad(reason: string): UserError {
  return new UserError(`not a valid safetensors file: ${reason}`);
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw bad(`its header is not JSON (${String(error)})`);
  }
  if (!isRecord(header)) throw bad("its header is not a JSON object");
  return header;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isExtents(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function toMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw bad("__metadata__ is not an object");
  const entries = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text !== "string") throw bad(`__metadata__.${key} is not a string`);
    return [key, text];
  });
  return Object.fromEntries(entries);
}

/** @param start of the first tensor, from which offsets count */
function toStored(name: string, value: unknown, start: number): StoredTensor {
  const where = `tensor ${JSON.stringify(name)}`;
  if (!isRecord(value)) throw bad(`${where} is described by ${JSON.stringify(value)}`);
  const { dtype: type, shape, data_offsets: offsets } = value;
  if (!isStoredType(type)) {
    throw bad(
      `${where} has dtype ${JSON.stringify(type)}, expected one of ${Object.keys(storages).join(", ")}`,
    );
  }
  if (!isExtents(shape)) throw bad(`${where} has shape ${JSON.stringify(shape)}`);
  const [begin, end, ...more] = isExtents(offsets) ? offsets : [];
  if (begin === undefined || end === undefined || more.length > 0 || end < begin) {
    throw bad(`${where} has data_offsets ${JSON.stringify(offsets)}`);
  }
  if (end - begin !== sizeOf(shape) * storages[type].size) {
    throw bad(`${where} of shape ${shapeText(shape)} and dtype ${type} holds ${end - begin} bytes`);
  }
  return { name, type, shape, begin: start + begin, end: start + end };
}

function isStoredType(value: unknown): value is StoredType {
  return typeof value === "string" && Object.hasOwn(storages, value);
}

/** Views bytes as 16-bit numbers. They are copied only if they begin at an odd offset. */
function inPairs(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(buffer, byteOffset, length / 2);
}

function copied(bytes: Uint8Array, allocate: Allocate): ArrayBuffer | SharedArrayBuffer {
  const buffer = allocate(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

/** Rounds to the nearest binary16, ties to even; infinite beyond its range. */
function numberToHalf(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (Number.isNaN(x)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // Below 2⁻¹⁴ numbers are as far apart as there.
  let exponent = Math.max(-14, Math.floor(Math.log2(size)));
  // A logarithm is not exact.
  while (size >= 2 ** (exponent + 1)) exponent++;
  while (exponent > -14 && size < 2 ** exponent) exponent--;
  const steps = roundEven(size / 2 ** (exponent - 10));
  return sign | (steps < 1024 ? steps : steps - 1024 + ((exponent + 15) << 10));
}

function roundEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** Sign, 4 bits of exponent (bias 7), 3 of fraction; no infinity, and all ones for NaN. */
function e4m3ToNumber(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1;
  const exponent = (bits >> 3) & 0xf;
  const fraction = bits & 7;
  if (exponent === 0xf && fraction === 7) return NaN;
  if (exponent === 0) return sign * fraction * 2 ** -9;
  return sign * (1 + fraction / 8) * 2 ** (exponent - 7);
}
