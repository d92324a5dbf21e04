import type { Params } from "@fedclair/core";
import type { Derivation } from "@fedclair/core/internal";
import { encodeBase } from "./codec/base-message.js";
import { encodeCoordinatorMessage } from "./codec/coordinator-message.js";

/** The coordinator's numbers for the params that jobs stand on: the same object has the same one. */
export class Bases {
  readonly #ids = new WeakMap<Params, number>();
  /** Being encoded. */
  readonly #encoding = new Map<Params, Promise<Uint8Array>>();
  readonly #encoded = new WeakMap<Params, WeakRef<Uint8Array>>();
  readonly #derived = new WeakMap<Params, WeakRef<Uint8Array>>();
  #last = 0;

  idOf(params: Params): number {
    const id = this.#ids.get(params) ?? ++this.#last;
    this.#ids.set(params, id);
    return id;
  }

  /** The message that brings the params; hosts that are sent it at the same time share the bytes. @throws WireError */
  async encode(params: Params): Promise<Uint8Array> {
    const known = this.#encoded.get(params)?.deref();
    if (known) return known;
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

  /** The message that brings the params as others, and what is added to them, likewise. @throws WireError */
  encodeDerived(params: Params, { from, terms }: Derivation): Uint8Array {
    const known = this.#derived.get(params)?.deref();
    if (known) return known;
    const [id, other] = [this.idOf(params), this.idOf(from)];
    const bytes = encodeCoordinatorMessage({ type: "derivedBase", id, from: other, terms });
    this.#derived.set(params, new WeakRef(bytes));
    return bytes;
  }
}
