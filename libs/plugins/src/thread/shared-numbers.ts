import { eachTensor, type Answer } from "@fedclair/core/internal";
import type { Delta, Tensor } from "@fedclair/core";

/** The number of calls whose answers fit into the memory at a time, and the bytes of each. */
const slots = 16;
const slotBytes = 2 ** 16;

/** Numbers in the shared memory, in place of the `data` of a tensor. */
interface Shared {
  readonly shape: readonly number[];
  readonly type: "f32" | "f64";
  readonly at: number;
  readonly count: number;
}

/**
 * Memory for the numbers of answers on their way to the main thread. Arrays in a message are
 * allocated outside V8's heap, and V8 would collect the whole heap of the main thread every few
 * megabytes: a small update would take a third longer.
 */
export class SharedNumbers {
  readonly buffer: SharedArrayBuffer;
  readonly #free = Array.from({ length: slots }, (_, slot) => slot);

  /** @param buffer the memory of another thread's object; default: new memory */
  constructor(buffer = new SharedArrayBuffer(slots * slotBytes)) {
    this.buffer = buffer;
  }

  /** @returns the slot for a call, or undefined if none is free */
  take(): number | undefined {
    return this.#free.pop();
  }

  release(slot: number | undefined): void {
    if (slot !== undefined) this.#free.push(slot);
  }

  /** Moves the numbers of answers into a slot, as many as fit. */
  store(answers: readonly Answer[], slot: number): readonly Answer[] {
    let at = slot * slotBytes;
    const end = at + slotBytes;
    return mapTensors(answers, (tensor) => {
      if (!("data" in tensor) || at + tensor.data.byteLength > end) return tensor;
      const { shape, data } = tensor;
      const type = data instanceof Float32Array ? "f32" : "f64";
      const shared: Shared = { shape, type, at, count: data.length };
      this.#view(shared).set(data);
      at += Math.ceil(data.byteLength / 8) * 8; // float64 numbers must be aligned
      return shared as never;
    });
  }

  /** Copies the numbers of answers out of the memory. */
  load(answers: readonly Answer[]): readonly Answer[] {
    return mapTensors(answers, (tensor) => {
      if (!("at" in tensor)) return tensor;
      const shared = tensor as unknown as Shared;
      return { shape: shared.shape, data: this.#view(shared).slice() };
    });
  }

  #view({ type, at, count }: Shared) {
    return type === "f32"
      ? new Float32Array(this.buffer, at, count)
      : new Float64Array(this.buffer, at, count);
  }
}

function mapTensors(
  answers: readonly Answer[],
  change: (tensor: Tensor) => Tensor,
): readonly Answer[] {
  const changeDelta = (delta: Delta): Delta =>
    new Map([...delta].map(([name, one]) => [name, eachTensor(one, change)]));
  return answers.map((answer) => {
    if (!("update" in answer)) return answer;
    const { update } = answer;
    return { ...answer, update: { ...update, delta: changeDelta(update.delta) } };
  });
}
