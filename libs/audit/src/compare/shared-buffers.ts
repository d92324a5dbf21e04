import { readNumbers, type LowRank } from "@fedclair/core";
import { item } from "@fedclair/linalg";

/** Web pages have no shared memory, and no threads that would use it. */
const Memory = "SharedArrayBuffer" in globalThis ? SharedArrayBuffer : ArrayBuffer;

/**
 * Memory that threads share, so that nothing is copied between them. Buffers are reused once a
 * module has been condensed.
 */
export class SharedBufferPool {
  readonly #free = new Map<number, ArrayBufferLike[]>();

  take(bytes: number): ArrayBufferLike {
    return this.#free.get(bytes)?.pop() ?? new Memory(bytes);
  }

  /**
   * Releases the buffers of pairs.
   * @param condensed the condensed pairs; factors that `condense` left unchanged keep their buffers
   */
  release(pairs: readonly LowRank[], condensed: readonly LowRank[]): void {
    pairs.forEach(({ b, a }, k) => {
      const few = item(condensed, k);
      if (few.b.shape[0] !== b.shape[0]) this.#put(readNumbers(b).buffer);
      if (few.a.shape[1] !== a.shape[1]) this.#put(readNumbers(a).buffer);
    });
  }

  #put(buffer: ArrayBufferLike): void {
    const free = this.#free.get(buffer.byteLength);
    if (free) free.push(buffer);
    else this.#free.set(buffer.byteLength, [buffer]);
  }
}
