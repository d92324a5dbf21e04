import { readSync } from "node:fs";
import { readNumbers, sizeOf, type Dense, type FilePlace, type Stored } from "@fedclair/core";
import { createStored, isStored } from "@fedclair/core/internal";
import { Matrix } from "@fedclair/linalg";

/**
 * Copies plain data. An object that several values share stays one object.
 * @param value maps, sets, arrays, plain objects, tensors, typed arrays and primitive values
 * @param replace returns what takes the place of an object, or undefined to copy its parts
 */
export function copyPlain(
  value: unknown,
  replace: (object: object, copyPart: (part: unknown) => unknown) => unknown,
  copies = new Map<object, unknown>(),
): unknown {
  if (typeof value !== "object" || value === null || value instanceof Set) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  const copyPart = (part: unknown) => copyPlain(part, replace, copies);
  const copy = replace(value, copyPart) ?? copyParts(value, copyPart);
  copies.set(value, copy);
  return copy;
}

function copyParts(value: object, copyPart: (part: unknown) => unknown): unknown {
  if (ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(copyPart);
  if (value instanceof Map) return new Map([...value].map(([key, part]) => [key, copyPart(part)]));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copyPart(part)]));
}

/**
 * Copies a value into a form that can be posted to a thread. Numbers on a disk are read, and a view
 * of a part of a buffer becomes an array of its own, as posting it would post the whole buffer.
 */
export function toPostable<T>(value: T): T {
  return copyPlain(value, (object) => {
    if (ArrayBuffer.isView(object)) return toOwnBuffer(object);
    return isStored(object) ? { shape: object.shape, data: readNumbers(object) } : undefined;
  }) as T;
}

function toOwnBuffer(view: ArrayBufferView): ArrayBufferView {
  const isWhole = view.byteLength === view.buffer.byteLength;
  return isWhole || view instanceof DataView ? view : (view as Float64Array).slice();
}

/** Copies a tensor to memory that threads share, so that posting it costs next to nothing. */
export function shareDense({ shape, data }: Dense): Dense {
  if (data.buffer instanceof SharedArrayBuffer) return { shape, data };
  const buffer = new SharedArrayBuffer(data.byteLength);
  const copy = data instanceof Float32Array ? new Float32Array(buffer) : new Float64Array(buffer);
  copy.set(data);
  return { shape, data: copy };
}

/** A tensor in a file that every thread can read, without its functions, which cannot be posted. */
export type InFile = Required<Omit<Stored, "read">>;

/** Restores a matrix or a tensor in a file; for `copyPlain`. */
export function restoreTensor(value: object): unknown {
  if (isMatrix(value)) return new Matrix(value.rows, value.cols, value.data);
  return isInFile(value) ? createFileTensor(value) : undefined;
}

function isMatrix(value: object): value is Pick<Matrix, "rows" | "cols" | "data"> {
  return "rows" in value && "cols" in value && "data" in value;
}

function isInFile(value: object): value is InFile {
  return "place" in value && "dtype" in value;
}

function createFileTensor({ shape, dtype, bytes, place }: InFile): Stored {
  const count = sizeOf(shape);
  const read = () => {
    const numbers = dtype === "f32" ? new Float32Array(count) : new Float64Array(count);
    readBytes(new Uint8Array(numbers.buffer), place);
    return numbers;
  };
  return createStored(shape, dtype, bytes, read, place);
}

function readBytes(bytes: Uint8Array, { file, at }: FilePlace): void {
  for (let done = 0; done < bytes.length;) {
    const read = readSync(file, bytes, done, bytes.length - done, at + done);
    if (read === 0) throw new Error("the file of a round's updates ends too early");
    done += read;
  }
}

/**
 * Collects all buffers in a value that can be transferred when it is posted, each once. A view of a
 * part is copied instead: what else lies in its buffer may still be in use.
 */
export function collectBuffers(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteLength } = value;
    if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) found.add(buffer);
  } else if (typeof value === "object" && value !== null) {
    for (const part of value instanceof Map ? value.values() : Object.values(value))
      collectBuffers(part, found);
  }
  return found;
}
