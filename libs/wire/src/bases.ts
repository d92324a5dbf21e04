import type { Delta, Params } from "@fedclair/core";
import { encodeBase } from "./codec/base-message.js";
import { encodeCoordinatorMessage } from "./codec/coordinator-message.js";

/** Numbers the params that jobs build on; the same object always has the same number. */
export class Bases {
  readonly #ids = new WeakMap<Params, number>();
  /** Encodings in progress. */
  readonly #encoding = new Map<Params, Promise<Uint8Array>>();
  readonly #encoded = new WeakMap<Params, WeakRef<Uint8Array>>();
  readonly #derived = new WeakMap<Params, WeakRef<Uint8Array>>();
  #last = 0;

  idOf(params: Params): number {
    const id = this.#ids.get(params) ?? ++this.#last;
    this.#ids.set(params, id);
    return id;
  }

  /**
   * Encodes the message that carries the params. Hosts that need it at the same time share the
   * bytes.
   * @throws WireError
   */
  async encode(params: Params): Promise<Uint8Array> {
    const cached = this.#encoded.get(params)?.deref();
    if (cached) return cached;
    const encoding = this.#encoding.get(params) ?? encodeBase(this.idOf(params), params);
    this.#encoding.set(params, encoding);
    try {
      const bytes = await encoding;
      this.#encoded.set(params, new WeakRef(bytes));
      return bytes;
    } finally {
      this.#encoding.delete(params);
    }
  }

  /**
   * Encodes the params as the difference from other params; the bytes are shared too.
   * @throws WireError
   */
  encodeDerived(params: Params, from: Params, terms: readonly Delta[]): Uint8Array {
    const cached = this.#derived.get(params)?.deref();
    if (cached) return cached;
    const [id, other] = [this.idOf(params), this.idOf(from)];
    const bytes = encodeCoordinatorMessage({ type: "derivedBase", id, from: other, terms });
    this.#derived.set(params, new WeakRef(bytes));
    return bytes;
  }
}
