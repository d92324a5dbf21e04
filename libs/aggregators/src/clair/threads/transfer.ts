import {
  isLowRank,
  readNumbers,
  type Delta,
  type Dense,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import { Matrix } from "@fedclair/linalg";
import { createCornerTensor, type Corner, type CornerTensor } from "../corner.js";

/**
 * Copies a change to memory that threads share; the receiver restores it with `restore`. Posting it
 * then costs next to nothing, whereas posting copies of thousands of adapters would block the event
 * loop.
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
 * Restores matrices and corners, which lose their class when they are posted. An object that
 * several values share stays one object.
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
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, revive(part)]));
}

function isMatrix(value: object): value is Pick<Matrix, "rows" | "cols" | "data"> {
  return "rows" in value && "cols" in value && "data" in value;
}

function isCorner(value: object): value is Corner {
  return "corner" in value;
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
