/* What the audit needs of other modules of Node.js, in a browser. */
import { sha256 } from "@noble/hashes/sha2.js";

/** `node:crypto`: SHA-256 only. */
export function createHash() {
  const hash = sha256.create();
  const self = {
    update(content: string | Uint8Array) {
      hash.update(typeof content === "string" ? new TextEncoder().encode(content) : content);
      return self;
    },
    digest: (encoding: "hex" | "base64") => Buffer.from(hash.digest()).toString(encoding),
  };
  return self;
}

/** `node:os` */
export function availableParallelism(): number {
  return 1;
}

/** `node:async_hooks`: nothing is confined to a folder. */
export class AsyncLocalStorage {
  getStore(): undefined {
    return undefined;
  }
}

/** `node:events`, of a signal. */
export function once(signal: AbortSignal, event: string, options: { signal?: AbortSignal } = {}) {
  return new Promise((resolve, reject) => {
    signal.addEventListener(event, resolve, { once: true, ...options });
    options.signal?.addEventListener("abort", () => {
      reject(new Error("aborted"));
    });
  });
}
