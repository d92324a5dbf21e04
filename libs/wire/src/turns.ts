/** Shorter messages need no turn. */
export const largeMessage = 8 << 20;

/** Bytes of large messages that come at a time, over all connections of a coordinator. */
const mostAtOnce = 128 << 20;

/** After so long a sender goes on whatever others do, in ms: before it takes the connection for broken. */
const longestWait = 20_000;

/** A message of which nothing came for so long gives its turn to others, in ms. */
const longestPause = 5000;

/** Large messages come one after another, as far as memory for several at a time is lacking: their senders wait for an answer. */
export class Turns {
  readonly #most: number;
  readonly #waiting = new Set<Turn>();
  #bytes = 0;

  constructor(most = mostAtOnce) {
    this.#most = most;
  }

  /** @param bytes of a message that begins */
  take(bytes: number): Turn {
    const turn = new Turn(bytes, {
      comes: () => {
        this.#waiting.delete(turn);
        this.#bytes += bytes;
      },
      ends: (hadCome) => {
        this.#waiting.delete(turn);
        if (hadCome) this.#bytes -= bytes;
        this.#next();
      },
    });
    this.#waiting.add(turn);
    this.#next();
    return turn;
  }

  #next(): void {
    for (const turn of this.#waiting) {
      if (this.#bytes > 0 && this.#bytes + turn.bytes > this.#most) return;
      turn.come();
    }
  }
}

interface Told {
  comes(): void;
  ends(hadCome: boolean): void;
}

/** Of one message. */
export class Turn {
  readonly bytes: number;
  readonly #told: Told;
  #state: "waiting" | "there" | "over" = "waiting";
  #onCome: () => void = () => undefined;
  #timer: NodeJS.Timeout;

  constructor(bytes: number, told: Told) {
    this.bytes = bytes;
    this.#told = told;
    this.#timer = setTimeout(() => {
      this.come();
    }, longestWait);
  }

  /** Resolves when its sender may go on; undefined if it may at once. */
  get wait(): Promise<void> | undefined {
    if (this.#state !== "waiting") return undefined;
    return new Promise((resolve) => (this.#onCome = resolve));
  }

  come(): void {
    if (this.#state !== "waiting") return;
    this.#state = "there";
    this.#told.comes();
    this.goesOn();
    this.#onCome();
  }

  /** Something of the message came. */
  goesOn(): void {
    if (this.#state !== "there") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.end();
    }, longestPause);
  }

  end(): void {
    if (this.#state === "over") return;
    const hadCome = this.#state === "there";
    this.#state = "over";
    clearTimeout(this.#timer);
    this.#told.ends(hadCome);
    this.#onCome();
  }
}
