import type { Delta } from "@fedclair/core";
import { payloadBytes, type StoredParams } from "@fedclair/core/internal";
import { encodeBase } from "../codec/base-message.js";
import { encodeCoordinatorMessage } from "../codec/coordinator-message.js";
import { largeMessageBytes, ByteSemaphore, type Permit } from "./byte-semaphore.js";

/** A message, and how long it took to encode it, in ms. */
interface Encoded {
  readonly message: Uint8Array;
  readonly ms: number;
}

/** A message that is being sent. */
interface SharedMessage {
  readonly encoding: Promise<Encoded>;
  readonly permit: Permit | undefined;
  users: number;
}

/** Numbers the params that jobs build on; the same object always has the same number. */
export class SharedBases {
  readonly #ids = new WeakMap<StoredParams, number>();
  readonly #shared = new Map<StoredParams, SharedMessage>();
  readonly #semaphore: ByteSemaphore;
  readonly #derived = new WeakMap<StoredParams, WeakRef<Uint8Array>>();
  #last = 0;

  /** @param semaphore limits how many large messages are being sent */
  constructor(semaphore = new ByteSemaphore()) {
    this.#semaphore = semaphore;
  }

  idOf(params: StoredParams): number {
    const id = this.#ids.get(params) ?? ++this.#last;
    this.#ids.set(params, id);
    return id;
  }

  /**
   * Encodes the message that carries the params, and keeps it until `send` resolves. Hosts that
   * need it at the same time share the bytes. Large ones need a permit, because every client may
   * have params of its own.
   * @throws WireError
   */
  async use<T>(params: StoredParams, send: (encoded: Encoded) => Promise<T>): Promise<T> {
    const shared = this.#shared.get(params) ?? this.#encode(params);
    shared.users++;
    try {
      return await send(await shared.encoding);
    } finally {
      if (--shared.users === 0) {
        this.#shared.delete(params);
        shared.permit?.release();
      }
    }
  }

  #encode(params: StoredParams): SharedMessage {
    const bytes = payloadBytes(params.values());
    const permit = bytes >= largeMessageBytes ? this.#semaphore.acquire(bytes) : undefined;
    const encode = async () => {
      await permit?.wait;
      const began = performance.now();
      const message = await encodeBase(this.idOf(params), params);
      return { message, ms: performance.now() - began };
    };
    const shared = { encoding: encode(), permit, users: 0 };
    this.#shared.set(params, shared);
    return shared;
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
