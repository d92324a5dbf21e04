import { unpackBfloat16, unpackFloat16, unpackInt8 } from "./unpack.js";

/** The types in which numbers are computed: IEEE 754 of 32 or 64 bits. */
export type DType = "f32" | "f64";

/** The numbers of a tensor in memory, row-major. */
export type Numbers = Float32Array | Float64Array;

/** A tensor whose numbers are in memory. `data` owns its buffer: nothing else views it. */
export interface Dense {
  readonly shape: readonly number[];
  readonly data: Numbers;
}

/** Where the numbers of a tensor are in an open file, in the computer's own byte order. */
export interface FilePlace {
  /** The file's descriptor, which is valid in all threads of the process. */
  readonly file: number;
  /** Bytes before the first number. */
  readonly at: number;
}

/** A tensor whose numbers are elsewhere, for example on a disk. */
export interface Stored {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Bytes that the tensor takes on the wire. */
  readonly bytes: number;
  /** Reads the numbers. Callers must not write to the result: it may be shared for a while. */
  readonly read: () => Numbers;
  /**
   * Where other threads can read the numbers; absent if only `read` can. The file is open as long
   * as somebody holds this tensor.
   */
  readonly place?: FilePlace;
}

/** A tensor in 16 bits per number: the upper halves of float32 numbers, or IEEE 754 binary16. */
export interface Half {
  readonly shape: readonly number[];
  readonly dtype: "bf16" | "f16";
  readonly codes: Uint16Array;
}

/** A tensor in 8 bits per number. A number is its code times the scale of its line (`linesOf`). */
export interface Int8 {
  readonly shape: readonly number[];
  readonly dtype: "int8";
  /** Codes in -127 … 127. */
  readonly codes: Int8Array;
  readonly scales: Float32Array;
}

/** A tensor in fewer bytes, as it travels. Its numbers are float32. */
export type Packed = Half | Int8;

/** An n-dimensional array. `readNumbers` returns its numbers, whatever form it has. */
export type Tensor = Dense | Stored | Packed;

/** Named tensors in memory, in a fixed order. */
export type Params = ReadonlyMap<string, Dense>;

/** Named tensors of any form, in a fixed order. */
export type StoredParams = ReadonlyMap<string, Tensor>;

/**
 * The numbers of a tensor, row-major. This is the only function that reads them. For a tensor
 * that is not dense, each call may read or unpack them again: call it once per tensor, and drop the
 * result before the next tensor if memory should hold only one.
 */
export function readNumbers(tensor: Tensor): Numbers {
  if ("data" in tensor) return tensor.data;
  if ("read" in tensor) return tensor.read();
  if ("scales" in tensor) return unpackInt8(tensor.shape, tensor.codes, tensor.scales);
  return tensor.dtype === "f16" ? unpackFloat16(tensor.codes) : unpackBfloat16(tensor.codes);
}

/** Whether a value is a tensor whose numbers are elsewhere. */
export function isStored(value: object): value is Stored {
  return "read" in value && typeof value.read === "function" && "dtype" in value;
}

/** The type of a tensor's numbers, without reading them. */
export function dtypeOf(tensor: Tensor): DType {
  if ("data" in tensor) return tensor.data instanceof Float32Array ? "f32" : "f64";
  return tensor.dtype === "f64" ? "f64" : "f32";
}

/** The number of entries of a tensor of this shape (1 for a scalar, shape []). */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** How many numbers a tensor has, without reading them. */
export function countNumbers(tensor: Tensor): number {
  if ("data" in tensor) return tensor.data.length;
  return "codes" in tensor ? tensor.codes.length : sizeOf(tensor.shape);
}

/** Formats `[2, 3]` as `2×3`, for messages. */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 0 ? "scalar" : shape.join("×");
}

/** Creates a tensor of zeros, float32 by default. */
export function zeros(shape: readonly number[], dtype: DType = "f32"): Dense {
  const size = sizeOf(shape);
  return { shape, data: dtype === "f32" ? new Float32Array(size) : new Float64Array(size) };
}

/** Copies params into memory of their own, so that a plug-in may change them in place. */
export function copyParams(params: StoredParams): Params {
  return new Map([...params].map(([name, tensor]) => [name, copyDense(tensor)]));
}

/** Reads params into memory. Dense params are returned as they are. */
export function loadParams(params: StoredParams): Params {
  return isDense(params) ? params : new Map([...params].map(([name, t]) => [name, loadTensor(t)]));
}

function isDense(params: StoredParams): params is Params {
  return [...params.values()].every((tensor) => "data" in tensor);
}

/** Reads a tensor into memory. A dense tensor is returned as it is. */
export function loadTensor(tensor: Tensor): Dense {
  return "data" in tensor ? tensor : { shape: tensor.shape, data: readNumbers(tensor) };
}

/** Reads a tensor into memory of its own. */
export function copyDense(tensor: Tensor): Dense {
  return { shape: tensor.shape, data: readNumbers(tensor).slice() };
}

/** Copies a tensor. A stored one stays where it is, and each copy reads it for itself. */
export function copyTensor(tensor: Tensor): Tensor {
  if ("data" in tensor) return copyDense(tensor);
  if ("read" in tensor) return { ...tensor, read: () => tensor.read().slice() };
  return "scales" in tensor
    ? { ...tensor, codes: tensor.codes.slice(), scales: tensor.scales.slice() }
    : { ...tensor, codes: tensor.codes.slice() };
}

/** The bytes that tensors take on the wire, without headers. */
export function payloadBytes(tensors: Iterable<Tensor>): number {
  let total = 0;
  for (const tensor of tensors) {
    if ("data" in tensor) total += tensor.data.byteLength;
    else if ("read" in tensor) total += tensor.bytes;
    else total += tensor.codes.byteLength + ("scales" in tensor ? tensor.scales.byteLength : 0);
  }
  return total;
}

/** The largest absolute value; 0 if there are no values, NaN if one of them is. */
export function maxAbs(data: Numbers): number {
  if (data instanceof Float32Array) return maxAbsOfFloats(data);
  let largest = 0;
  // An index loop is seven times as fast as the iterator.
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i] as number);
    if (Number.isNaN(size)) return NaN;
    if (size > largest) largest = size;
  }
  return largest;
}

/**
 * Without its sign, the bits of a float32 are an integer that grows with its size. Infinity comes
 * after all numbers, and NaN last. Four maxima at a time take half of the time of one.
 */
function maxAbsOfFloats(data: Float32Array): number {
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length);
  const inFours = bits.length & ~3;
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < inFours; i += 4) {
    const p = (bits[i] as number) & 0x7fffffff;
    const q = (bits[i + 1] as number) & 0x7fffffff;
    const r = (bits[i + 2] as number) & 0x7fffffff;
    const s = (bits[i + 3] as number) & 0x7fffffff;
    if (p > a) a = p;
    if (q > b) b = q;
    if (r > c) c = r;
    if (s > d) d = s;
  }
  for (let i = inFours; i < bits.length; i++) a = Math.max(a, (bits[i] as number) & 0x7fffffff);
  const largest = Int32Array.of(Math.max(a, b, c, d));
  return new Float32Array(largest.buffer)[0] as number;
}

/**
 * Creates a stored tensor.
 * @param bytes that the tensor takes on the wire
 * @param read reads the numbers into memory of their own
 */
export function createStored(
  shape: readonly number[],
  dtype: DType,
  bytes: number,
  read: () => Numbers,
  place?: FilePlace,
): Stored {
  return { shape, dtype, bytes, read, ...(place && { place }) };
}
