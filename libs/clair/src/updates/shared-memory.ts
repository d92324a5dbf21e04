import {
  dtypeOf,
  isLowRank,
  readNumbers,
  sizeOf,
  type Delta,
  type Dense,
  type Numbers,
  type Stored,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import { copyPlain, restoreTensor, shareDense, type InFile } from "@fedclair/threads";

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

/**
 * Restores matrices, corners and tensors in files, which lose their class or their functions when
 * they are posted.
 */
export function restore(value: unknown): unknown {
  return copyPlain(value, (object) =>
    isCorner(object) ? createCornerTensor(object) : restoreTensor(object),
  );
}

function isCorner(value: object): value is Corner {
  return "corner" in value;
}

/** A matrix that is zero outside of its upper left corner. */
interface Corner {
  /** Rows and columns of the whole matrix. */
  readonly shape: readonly number[];
  readonly corner: Dense;
}

/** Such a matrix as a tensor. Only the corner is in memory; each read writes out the whole. */
export type CornerTensor = Stored & Corner;

/** Creates the whole matrix of a corner. */
export function createCornerTensor({ shape, corner }: Corner): CornerTensor {
  const { BYTES_PER_ELEMENT } = corner.data;
  return {
    shape,
    corner,
    dtype: dtypeOf(corner),
    bytes: sizeOf(shape) * BYTES_PER_ELEMENT,
    read: () => writeOut({ shape, corner }),
  };
}

function writeOut({ shape, corner }: Corner): Numbers {
  const { data } = corner;
  const size = sizeOf(shape);
  const out = data instanceof Float32Array ? new Float32Array(size) : new Float64Array(size);
  const [, columns = 0] = shape;
  const [filledRows = 0, filled = 0] = corner.shape;
  if (filled === columns) out.set(data);
  else {
    for (let i = 0; i < filledRows; i++)
      out.set(data.subarray(i * filled, (i + 1) * filled), i * columns);
  }
  return out;
}
