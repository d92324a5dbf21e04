import type { Params } from "@fedclair/core";
import { encodeCoordinatorMessage } from "./codec/coordinator-message.js";

/** The coordinator's numbers for the params that jobs stand on: the same object has the same one. */
export class Bases {
  readonly #ids = new WeakMap<Params, number>();
  readonly #encoded = new WeakMap<Params, WeakRef<Uint8Array>>();
  #last = 0;

  idOf(params: Params): number {
    const id = this.#ids.get(params) ?? ++this.#last;
    this.#ids.set(params, id);
    return id;
  }

  /** The message that brings the params; hosts that are sent it at the same time share the bytes. @throws WireError */
  encode(params: Params): Uint8Array {
    const known = this.#encoded.get(params)?.deref();
    if (known) return known;
    const bytes = encodeCoordinatorMessage({ type: "base", id: this.idOf(params), params });
    this.#encoded.set(params, new WeakRef(bytes));
    return bytes;
  }
}
