/** Size from which a message needs a permit, in bytes. */
export const largeMessageBytes = 8 << 20;

/**
 * Maximum bytes of large messages that arrive, or are sent, at a time, over all connections of a
 * coordinator.
 */
const maxBytesAtOnce = 128 << 20;

/**
 * Time in ms after which a sender continues in any case, before it considers the connection broken,
 * and for which a message has its permit at most: one that drips must not hold up the others.
 */
const longestWait = 20_000;

/** Time in ms without any frame after which a message loses its permit. */
const longestPause = 5000;

/**
 * Limits the bytes of large messages that arrive at the same time, or are sent, to bound memory: a
 * sender waits for the reply to its first frame.
 */
export class ByteSemaphore {
  readonly #maxBytes: number;
  readonly #waiting = new Set<Permit>();
  #bytes = 0;

  constructor(maxBytes = maxBytesAtOnce) {
    this.#maxBytes = maxBytes;
  }

  /** @param bytes size of a message that begins */
  acquire(bytes: number): Permit {
    const permit = new Permit(bytes, {
      onGrant: () => {
        this.#waiting.delete(permit);
        this.#bytes += bytes;
      },
      onRelease: (wasGranted) => {
        this.#waiting.delete(permit);
        if (wasGranted) this.#bytes -= bytes;
        this.#next();
      },
    });
    this.#waiting.add(permit);
    this.#next();
    return permit;
  }

  #next(): void {
    for (const permit of this.#waiting) {
      if (this.#bytes > 0 && this.#bytes + permit.bytes > this.#maxBytes) return;
      permit.grant();
    }
  }
}

interface PermitListener {
  onGrant(): void;
  onRelease(wasGranted: boolean): void;
}

/** The permission of one message to be in memory. */
export class Permit {
  readonly bytes: number;
  readonly #listener: PermitListener;
  #state: "waiting" | "granted" | "over" = "waiting";
  #resolveWait: () => void = () => undefined;
  /** Ends the wait, then the time of the permit. */
  #timer: NodeJS.Timeout;
  /** Ends the permit if no frame arrives. */
  #pause: NodeJS.Timeout | undefined;

  constructor(bytes: number, listener: PermitListener) {
    this.bytes = bytes;
    this.#listener = listener;
    this.#timer = setTimeout(() => {
      this.grant();
    }, longestWait);
  }

  get isWaiting(): boolean {
    return this.#state === "waiting";
  }

  /** Resolves when its sender may continue; undefined if it may continue at once. */
  get wait(): Promise<void> | undefined {
    if (!this.isWaiting) return undefined;
    return new Promise((resolve) => (this.#resolveWait = resolve));
  }

  grant(): void {
    if (!this.isWaiting) return;
    this.#state = "granted";
    this.#listener.onGrant();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.release();
    }, longestWait);
    this.extend();
    this.#resolveWait();
  }

  /** Restarts the pause: a frame of the message arrived. */
  extend(): void {
    if (this.#state !== "granted") return;
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      this.release();
    }, longestPause);
  }

  release(): void {
    if (this.#state === "over") return;
    const wasGranted = this.#state === "granted";
    this.#state = "over";
    clearTimeout(this.#timer);
    clearTimeout(this.#pause);
    this.#listener.onRelease(wasGranted);
    this.#resolveWait();
  }
}
