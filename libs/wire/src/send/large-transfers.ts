/** Size from which a message must wait for its turn, in bytes. */
export const largeMessage = 8 << 20;

/**
 * Maximum bytes of large messages that arrive, or are sent, at a time, over all connections of a
 * coordinator.
 */
const maxBytesAtOnce = 128 << 20;

/**
 * Time in ms after which a sender continues in any case, before it considers the connection broken.
 */
const longestWait = 20_000;

/** Time in ms without any frame after which a message gives up its turn. */
const longestPause = 5000;

/**
 * Limits how many large messages arrive at the same time, or are sent, to bound memory: a sender
 * waits for the reply to its first frame.
 */
export class Turns {
  readonly #maxBytes: number;
  readonly #waiting = new Set<Turn>();
  #bytes = 0;

  constructor(maxBytes = maxBytesAtOnce) {
    this.#maxBytes = maxBytes;
  }

  /** @param bytes size of a message that begins */
  take(bytes: number): Turn {
    const turn = new Turn(bytes, {
      onStart: () => {
        this.#waiting.delete(turn);
        this.#bytes += bytes;
      },
      onEnd: (hadStarted) => {
        this.#waiting.delete(turn);
        if (hadStarted) this.#bytes -= bytes;
        this.#next();
      },
    });
    this.#waiting.add(turn);
    this.#next();
    return turn;
  }

  #next(): void {
    for (const turn of this.#waiting) {
      if (this.#bytes > 0 && this.#bytes + turn.bytes > this.#maxBytes) return;
      turn.start();
    }
  }
}

interface TurnListener {
  onStart(): void;
  onEnd(hadStarted: boolean): void;
}

/** The turn of one message. */
export class Turn {
  readonly bytes: number;
  readonly #listener: TurnListener;
  #state: "waiting" | "started" | "over" = "waiting";
  #resolveWait: () => void = () => undefined;
  #timer: NodeJS.Timeout;

  constructor(bytes: number, listener: TurnListener) {
    this.bytes = bytes;
    this.#listener = listener;
    this.#timer = setTimeout(() => {
      this.start();
    }, longestWait);
  }

  /** Resolves when its sender may continue; undefined if it may continue at once. */
  get wait(): Promise<void> | undefined {
    if (this.#state !== "waiting") return undefined;
    return new Promise((resolve) => (this.#resolveWait = resolve));
  }

  start(): void {
    if (this.#state !== "waiting") return;
    this.#state = "started";
    this.#listener.onStart();
    this.touch();
    this.#resolveWait();
  }

  /** Restarts the timer: a frame of the message arrived. */
  touch(): void {
    if (this.#state !== "started") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.end();
    }, longestPause);
  }

  end(): void {
    if (this.#state === "over") return;
    const hadStarted = this.#state === "started";
    this.#state = "over";
    clearTimeout(this.#timer);
    this.#listener.onEnd(hadStarted);
    this.#resolveWait();
  }
}
