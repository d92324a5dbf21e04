import { UserError } from "./errors.js";
import { shapeText, sizeOf, type Params, type Tensor } from "./tensor.js";

/*
 * The safetensors format (https://huggingface.co/docs/safetensors): the header's length as a little-endian u64, the
 * header as JSON, then the tensors' bytes, row-major and little-endian, without holes or overlaps. Typed arrays are
 * little-endian on every machine that TensorFlow.js runs on, so bytes are copied as they are.
 */

const prefixBytes = 8;
/** The limit of the reference implementation, against a header that claims all memory. */
const maxHeaderBytes = 100_000_000;

type Data = Tensor["data"];

/** How numbers are stored in a file. */
export type StoredType = "F64" | "F32" | "F16" | "BF16" | "F8_E4M3" | "F8_E5M2";

interface Storage {
  /** Bytes an entry. */
  readonly size: number;
  /** Bytes that start at the beginning of a buffer become numbers. */
  read(buffer: ArrayBuffer): Data;
  /** Numbers become bytes, each rounded to the nearest. */
  write(data: Data): ArrayBufferView;
}

const storages: Readonly<Record<StoredType, Storage>> = {
  F64: {
    size: 8,
    read: (buffer) => new Float64Array(buffer),
    write: (data) => (data instanceof Float64Array ? data : Float64Array.from(data)),
  },
  F32: {
    size: 4,
    read: (buffer) => new Float32Array(buffer),
    write: (data) => (data instanceof Float32Array ? data : Float32Array.from(data)),
  },
  F16: {
    size: 2,
    read: (buffer) => Float32Array.from(new Uint16Array(buffer), halfToNumber),
    write: (data) => Uint16Array.from(data, numberToHalf),
  },
  BF16: {
    size: 2,
    read: (buffer) => brainToFloat32(new Uint16Array(buffer)),
    write: (data) => float32ToBrain(Float32Array.from(data)),
  },
  // Written as the next larger type that holds them: nobody trains in eight bits.
  F8_E4M3: {
    size: 1,
    read: (buffer) => Float32Array.from(new Uint8Array(buffer), e4m3ToNumber),
    write: (data) => Uint16Array.from(data, numberToHalf),
  },
  F8_E5M2: {
    size: 1,
    read: (buffer) => Float32Array.from(new Uint8Array(buffer), (bits) => halfToNumber(bits << 8)),
    write: (data) => Uint16Array.from(data, numberToHalf),
  },
};

interface Entry {
  readonly name: string;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Writes named tensors, in their order, as safetensors: the same params give the same bytes.
 * @param metadata free text by key, in the header's `__metadata__`
 * @param types how to store tensors, by name; by default as they are, F32 or F64. Eight bits become F16
 * @throws RangeError when a tensor's shape and length disagree, or its name is `__metadata__`
 */
export function encodeSafetensors(
  params: Params,
  metadata: Readonly<Record<string, string>> = {},
  types: ReadonlyMap<string, StoredType> = new Map(),
): Uint8Array {
  const fields: string[] = [];
  if (Object.keys(metadata).length > 0) fields.push(`"__metadata__":${JSON.stringify(metadata)}`);
  const bodies: ArrayBufferView[] = [];
  let end = 0;
  for (const [name, { shape, data }] of params) {
    if (name === "__metadata__") throw new RangeError('a tensor cannot be named "__metadata__"');
    if (sizeOf(shape) !== data.length) {
      throw new RangeError(
        `tensor ${JSON.stringify(name)}: shape ${shapeText(shape)} needs ${sizeOf(shape)} entries, got ${data.length}`,
      );
    }
    const wanted = types.get(name) ?? (data instanceof Float32Array ? "F32" : "F64");
    const dtype = wanted.startsWith("F8_") ? "F16" : wanted;
    const body = storages[wanted].write(data);
    bodies.push(body);
    const begin = end;
    end += body.byteLength;
    const entry = { dtype, shape, data_offsets: [begin, end] };
    // Put together by hand: an object would move names that look like integers to the front.
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(prefixBytes + headerBytes + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, prefixBytes, prefixBytes + headerBytes);
  bytes.set(json, prefixBytes);
  let at = prefixBytes + headerBytes;
  for (const { buffer, byteOffset, byteLength } of bodies) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return bytes;
}

/**
 * Reads safetensors of types F64, F32, F16, BF16, F8_E4M3 and F8_E5M2 (the last four become float32), in the order of their bytes.
 * @throws UserError when the bytes are no such file: cut short, with holes, of another type
 */
export function decodeSafetensors(bytes: Uint8Array): {
  params: Params;
  metadata: Readonly<Record<string, string>>;
  /** How each was stored. */
  types: ReadonlyMap<string, StoredType>;
} {
  if (bytes.length < prefixBytes) throw bad(`${bytes.length} bytes are too few for a header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  const body = bytes.subarray(prefixBytes);
  if (headerBytes > Math.min(body.length, maxHeaderBytes)) {
    throw bad(`the header claims ${headerBytes} bytes, ${body.length} follow`);
  }
  const { __metadata__, ...tensors } = parseHeader(body.subarray(0, headerBytes));
  const data = body.subarray(headerBytes);
  const entries = Object.entries(tensors).map(([name, value]) => toEntry(name, value));
  entries.sort((x, y) => x.begin - y.begin || x.end - y.end);
  const params = new Map<string, Tensor>();
  let at = 0;
  for (const entry of entries) {
    if (entry.begin !== at) {
      throw bad(`tensor ${JSON.stringify(entry.name)} begins at byte ${entry.begin}, not ${at}`);
    }
    if (entry.end > data.length) {
      throw bad(
        `tensor ${JSON.stringify(entry.name)} ends at byte ${entry.end} of ${data.length}: the file is cut short`,
      );
    }
    params.set(entry.name, toTensor(entry, data));
    at = entry.end;
  }
  if (at !== data.length) throw bad(`${data.length - at} bytes follow the last tensor`);
  const types = new Map(entries.map(({ name, dtype }) => [name, dtype]));
  return { params, metadata: toMetadata(__metadata__), types };
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

function toEntry(name: string, value: unknown): Entry {
  const where = `tensor ${JSON.stringify(name)}`;
  if (!isRecord(value)) throw bad(`${where} is described by ${JSON.stringify(value)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isStoredType(dtype)) {
    throw bad(
      `${where} has dtype ${JSON.stringify(dtype)}, expected one of ${Object.keys(storages).join(", ")}`,
    );
  }
  if (!isExtents(shape)) throw bad(`${where} has shape ${JSON.stringify(shape)}`);
  const [begin, end, ...more] = isExtents(offsets) ? offsets : [];
  if (begin === undefined || end === undefined || more.length > 0 || end < begin) {
    throw bad(`${where} has data_offsets ${JSON.stringify(offsets)}`);
  }
  return { name, dtype, shape, begin, end };
}

function isStoredType(value: unknown): value is StoredType {
  return typeof value === "string" && Object.hasOwn(storages, value);
}

function toTensor({ name, dtype, shape, begin, end }: Entry, data: Uint8Array): Tensor {
  const type = storages[dtype];
  if (end - begin !== sizeOf(shape) * type.size) {
    throw bad(
      `tensor ${JSON.stringify(name)} of shape ${shapeText(shape)} and dtype ${dtype} holds ${end - begin} bytes`,
    );
  }
  // A copy, for the tensor must own its memory and its bytes need not lie on a multiple of their size.
  return { shape, data: type.read(new Uint8Array(data.subarray(begin, end)).buffer) };
}

/** IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16 is the upper half of a float32. */
function brainToFloat32(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
}

/** The nearest binary16, of two the even one; beyond its range infinite. */
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

/** The nearest bfloat16, of two the even one. */
function float32ToBrain(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer);
  return Uint16Array.from(bits, (word, i) => {
    if (Number.isNaN(values[i])) return 0x7fc0;
    return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  });
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
