import {
  yieldToEventLoop,
  isLowRank,
  tensorsOf,
  type Delta,
  type TensorDelta,
  type Tensor,
  type Update,
} from "@fedclair/core";

/**
 * The same updates in memory that threads share: posting them then costs next to nothing, where the copy that posting
 * makes of thousands of adapters would hold up the event loop. Gives way to it while it copies.
 */
export async function inSharedMemory(updates: readonly Update[]): Promise<Update[]> {
  const shared: Update[] = [];
  for (const update of updates) {
    shared.push({ ...update, delta: sharedModules(update.delta) });
    await yieldToEventLoop();
  }
  return shared;
}

function sharedModules(modules: Delta): Delta {
  return new Map(
    [...modules].map(([name, module]) => [
      name,
      isLowRank(module) ? { b: shareable(module.b), a: shareable(module.a) } : shareable(module),
    ]),
  );
}

function shareable({ shape, data }: Tensor): Tensor {
  const buffer = new SharedArrayBuffer(data.byteLength);
  const copy = data instanceof Float32Array ? new Float32Array(buffer) : new Float64Array(buffer);
  copy.set(data);
  return { shape, data: copy };
}

/** The memory of all updates that can change hands when they are posted, each buffer once. */
export function transferable(updates: readonly TensorDelta[]): ArrayBuffer[] {
  const buffers = updates.flatMap(tensorsOf).map(({ data }) => data.buffer);
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer);
}
