import { isLowRank, readNumbers, type Delta, type Tensor, type TensorDelta } from "@fedclair/core";
import { copyPlain, restoreTensor, shareDense, type InFile } from "@fedclair/threads";
import { createCornerTensor, type Corner, type CornerTensor } from "./corner.js";

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
