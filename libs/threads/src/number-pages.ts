import type { Dense, Tensor } from "@fedclair/core";
import { toPostable } from "./transfer.js";

/** The size of a page in bytes. */
const pageBytes = 2 ** 16;

/** The size of an array in bytes above which it is posted with its own memory. */
const mostBytes = pageBytes / 2;

/**
 * Moves numbers into pages that threads share. V8 counts the memory of other arrays as if it lay in
 * the heap of the main thread, and collects that heap every few megabytes: a small update would
 * take a third longer.
 */
export class NumberPages {
  #page = new SharedArrayBuffer(0);
  #used = 0;

  /** Copies a small tensor into a page, and others into a form that can be posted. */
  store(tensor: Tensor): Tensor {
    if (!("data" in tensor) || tensor.data.byteLength > mostBytes) return toPostable(tensor);
    const { shape, data } = tensor;
    const at = this.#reserve(data.byteLength);
    const copy =
      data instanceof Float32Array
        ? new Float32Array(this.#page, at, data.length)
        : new Float64Array(this.#page, at, data.length);
    copy.set(data);
    return { shape, data: copy };
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

  /** Counts a tensor whose numbers are in a page. Copies it if too many are in use. */
  admit(tensor: Tensor): Tensor {
    if (!isInPage(tensor)) return tensor;
    const { shape, data } = tensor;
    if (this.#bytes >= this.#most) return { shape, data: data.slice() };
    this.#bytes += data.byteLength;
    this.#registry.register(data.buffer, data.byteLength);
    return tensor;
  }
}

function isInPage(tensor: Tensor): tensor is Dense {
  return "data" in tensor && tensor.data.buffer instanceof SharedArrayBuffer;
}
