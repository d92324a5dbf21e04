import { eachTensor, type Answer } from "@fedclair/core/internal";
import type { Delta, Tensor } from "@fedclair/core";
import { toPostable } from "./transfer.js";

/** The size of a page in bytes. */
const pageBytes = 2 ** 16;

/** The size of an array in bytes above which it is posted with its own memory. */
const mostBytes = pageBytes / 2;

/**
 * Moves the numbers of answers into pages that threads share. V8 counts the memory of other arrays
 * as if it lay in the heap of the main thread, and collects that heap every few megabytes: a small
 * update would take a third longer.
 */
export class NumberPages {
  #page = new SharedArrayBuffer(0);
  #used = 0;

  /** Copies the numbers of answers into pages, and the others into a form that can be posted. */
  store(answers: readonly Answer[]): readonly Answer[] {
    return mapTensors(answers, (tensor) => {
      if (!("data" in tensor) || tensor.data.byteLength > mostBytes)
        return toPostable(tensor) as Tensor;
      const { shape, data } = tensor;
      const at = this.#reserve(data.byteLength);
      const copy =
        data instanceof Float32Array
          ? new Float32Array(this.#page, at, data.length)
          : new Float64Array(this.#page, at, data.length);
      copy.set(data);
      return { shape, data: copy };
    });
  }

  /** Returns the offset of free memory in the page, or in a new one. */
  #reserve(bytes: number): number {
    if (this.#page.byteLength - this.#used < bytes) {
      this.#page = new SharedArrayBuffer(pageBytes);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += Math.ceil(bytes / 8) * 8; // float64 numbers must be aligned
    return at;
  }
}

/** The most bytes of numbers in pages that V8 has not collected yet. */
const mostBytesInUse = 2 ** 25;

/**
 * Limits the memory of pages in the main thread, as V8 does not know that collecting its heap would
 * free them.
 */
export class PageUse {
  #bytes = 0;
  readonly #most: number;
  readonly #registry = new FinalizationRegistry<number>((bytes) => (this.#bytes -= bytes));

  constructor(most = mostBytesInUse) {
    this.#most = most;
  }

  /** Counts the numbers of answers in pages. Copies them if too many are in use. */
  admit(answers: readonly Answer[]): readonly Answer[] {
    if (this.#bytes >= this.#most)
      return mapTensors(answers, (tensor) =>
        isInPage(tensor) ? { shape: tensor.shape, data: tensor.data.slice() } : tensor,
      );
    mapTensors(answers, (tensor) => {
      if (isInPage(tensor)) {
        const { buffer, byteLength } = tensor.data;
        this.#bytes += byteLength;
        this.#registry.register(buffer, byteLength);
      }
      return tensor;
    });
    return answers;
  }
}

function isInPage(tensor: Tensor): tensor is Extract<Tensor, { readonly data: unknown }> {
  return "data" in tensor && tensor.data.buffer instanceof SharedArrayBuffer;
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
