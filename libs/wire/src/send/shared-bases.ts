import type { Delta } from "@fedclair/core";
import { payloadBytes, type StoredParams } from "@fedclair/core/internal";
import { encodeBase } from "../codec/base-message.js";
import { encodeCoordinatorMessage } from "../codec/coordinator-message.js";
import { largeMessage, Turns, type Turn } from "./large-transfers.js";

/** A message, and how long it took to encode it, in ms. */
interface Encoded {
  readonly message: Uint8Array;
  readonly ms: number;
}

/** A message that is being sent. */
interface Lent {
  readonly encoding: Promise<Encoded>;
  readonly turn: Turn | undefined;
  users: number;
}

/** Numbers the params that jobs build on; the same object always has the same number. */
export class Bases {
  readonly #ids = new WeakMap<StoredParams, number>();
  readonly #lent = new Map<StoredParams, Lent>();
  readonly #turns: Turns;
  readonly #derived = new WeakMap<StoredParams, WeakRef<Uint8Array>>();
  #last = 0;

  /** @param turns limits how many large messages are being sent */
  constructor(turns = new Turns()) {
    this.#turns = turns;
  }

  idOf(params: StoredParams): number {
    const id = this.#ids.get(params) ?? ++this.#last;
    this.#ids.set(params, id);
    return id;
  }

  /**
   * Encodes the message that carries the params, and lends it until `use` resolves. Hosts that need
   * it at the same time share the bytes. Large ones take turns, because every client may have
   * params of its own.
   * @throws WireError
   */
  async lend<T>(params: StoredParams, use: (encoded: Encoded) => Promise<T>): Promise<T> {
    const lent = this.#lent.get(params) ?? this.#encode(params);
    lent.users++;
    try {
      return await use(await lent.encoding);
    } finally {
      if (--lent.users === 0) {
        this.#lent.delete(params);
        lent.turn?.end();
      }
    }
  }

  #encode(params: StoredParams): Lent {
    const bytes = payloadBytes(params.values());
    const turn = bytes >= largeMessage ? this.#turns.take(bytes) : undefined;
    const encode = async () => {
      await turn?.wait;
      const began = performance.now();
      const message = await encodeBase(this.idOf(params), params);
      return { message, ms: performance.now() - began };
    };
    const lent = { encoding: encode(), turn, users: 0 };
    this.#lent.set(params, lent);
    return lent;
  }

  /**
   * Encodes the params as the difference from other params; the bytes are shared too.
   * @throws WireError
   */
  encodeDerived(params: StoredParams, from: StoredParams, terms: readonly Delta[]): Uint8Array {
    const cached = this.#derived.get(params)?.deref();
    if (cached) return cached;
    const [id, other] = [this.idOf(params), this.idOf(from)];
    const bytes = encodeCoordinatorMessage({ type: "derivedBase", id, from: other, terms });
    this.#derived.set(params, new WeakRef(bytes));
    return bytes;
  }
}
