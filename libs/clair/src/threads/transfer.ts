import { readSync } from "node:fs";
import {
  isLowRank,
  readNumbers,
  sizeOf,
  type Delta,
  type Dense,
  type FilePlace,
  type Stored,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import { createStored } from "@fedclair/core/internal";
import { Matrix } from "@fedclair/linalg";
import { createCornerTensor, type Corner, type CornerTensor } from "../corner.js";

/**
 * Copies a change to memory that threads share; the receiver restores it with `restore`. Posting it
 * then costs next to nothing, whereas posting copies of thousands of adapters would block the event
 * loop. Numbers in a file stay there, because every thread can read it.
 */
export function inSharedMemory<D extends TensorDelta>(module: D): D;
export function inSharedMemory(module: TensorDelta): TensorDelta {
  return isLowRank(module)
    ? { b: shareTensor(module.b), a: shareTensor(module.a) }
    : shareTensor(module);
}

/** Copies a change to shared memory, vectors included. */
export function shareDelta(delta: Delta): Delta {
  return new Map([...delta].map(([name, module]) => [name, inSharedMemory(module)]));
}

function shareTensor(tensor: Tensor): Tensor {
  // `restore` creates the tensor again: functions cannot be posted.
  if ("corner" in tensor) {
    const { shape, corner } = tensor as CornerTensor;
    return { shape, corner: shareDense(corner) } satisfies Corner as never;
  }
  if ("place" in tensor) {
    const { shape, dtype, bytes, place } = tensor;
    return { shape, dtype, bytes, place } satisfies InFile as never;
  }
  return shareDense({ shape: tensor.shape, data: readNumbers(tensor) });
}

function shareDense({ shape, data }: Dense): Dense {
  if (data.buffer instanceof SharedArrayBuffer) return { shape, data };
  const buffer = new SharedArrayBuffer(data.byteLength);
  const copy = data instanceof Float32Array ? new Float32Array(buffer) : new Float64Array(buffer);
  copy.set(data);
  return { shape, data: copy };
}

/**
 * Restores matrices, corners and tensors in files, which lose their class or their functions when
 * they are posted. An object that several values share stays one object.
 */
export function restore(value: unknown, restored = new Map<object, unknown>()): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  const alive = restored.get(value) ?? restoreCopy(value, (part) => restore(part, restored));
  restored.set(value, alive);
  return alive;
}

function restoreCopy(value: object, revive: (part: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (value instanceof Map) return new Map([...value].map(([key, part]) => [key, revive(part)]));
  if (isMatrix(value)) return new Matrix(value.rows, value.cols, value.data);
  if (isCorner(value)) return createCornerTensor(value);
  if (isInFile(value)) return createFileTensor(value);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, revive(part)]));
}

function isMatrix(value: object): value is Pick<Matrix, "rows" | "cols" | "data"> {
  return "rows" in value && "cols" in value && "data" in value;
}

function isCorner(value: object): value is Corner {
  return "corner" in value;
}

type InFile = Required<Omit<Stored, "read">>;

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

/** Collects all buffers in a value that can be transferred when it is posted, each once. */
export function collectBuffers(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (typeof value === "object" && value !== null) {
    for (const part of value instanceof Map ? value.values() : Object.values(value))
      collectBuffers(part, found);
  }
  return found;
}
