import { decodeFrame, type Frame } from "./codec/frame.js";
import { largeMessage, type Turn, type Turns } from "./turns.js";
import { WireError } from "./wire-error.js";

interface Unfinished {
  readonly message: Uint8Array;
  /** Of a large one. */
  readonly turn: Turn | undefined;
  received: number;
}

/** A sender that keeps to the protocol has at most its window of messages under way, and a few that it gave up. */
export const maxTransfers = 8;

/**
 * Joins frames into messages. Holds at most 8 unfinished messages of at most `maxMessageBytes`: a ninth replaces the oldest,
 * so that a sender may abandon a message without saying so.
 */
export class Assembler {
  maxMessageBytes: number;
  /** Of the last frame: resolves when its sender may be told to go on; undefined: at once. */
  wait: Promise<void> | undefined;
  readonly #turns: Turns | undefined;
  readonly #unfinished = new Map<number, Unfinished>();

  /** @param turns that large messages take; default: all may come at a time */
  constructor(maxMessageBytes: number, turns?: Turns) {
    this.maxMessageBytes = maxMessageBytes;
    this.#turns = turns;
  }

  /** Nothing more comes. */
  close(): void {
    for (const { turn } of this.#unfinished.values()) turn?.end();
    this.#unfinished.clear();
  }

  /** @returns the message if this frame completes it; it may view `bytes` @throws WireError MALFORMED or OVERSIZE */
  accept(bytes: unknown): Uint8Array | undefined {
    this.wait = undefined;
    const { transfer, offset, total, payload } = decodeFrame(bytes);
    if (total > this.maxMessageBytes) {
      const message = `a message of ${total} bytes: at most ${this.maxMessageBytes} are allowed`;
      throw new WireError("OVERSIZE", message);
    }
    const known = this.#unfinished.get(transfer);
    this.#unfinished.delete(transfer);
    if (offset === 0) known?.turn?.end();
    if (offset === 0 && payload.length === total) return payload; // nothing is to come
    const partial = offset === 0 ? this.#start(total) : known;
    try {
      return this.#goOn(partial, { transfer, offset, total, payload });
    } catch (error) {
      partial?.turn?.end();
      throw error;
    }
  }

  #start(total: number): Unfinished {
    const turn = total >= largeMessage ? this.#turns?.take(total) : undefined;
    this.wait = turn?.wait;
    return { message: new Uint8Array(total), turn, received: 0 };
  }

  #goOn(
    partial: Unfinished | undefined,
    { transfer, offset, total, payload }: Frame,
  ): Uint8Array | undefined {
    if (partial?.received !== offset || partial.message.length !== total) {
      const message = `frame at ${offset} of ${total} does not continue transfer ${transfer}`;
      throw new WireError("MALFORMED", message);
    }
    if (payload.length > total - offset || (payload.length === 0 && total > 0)) {
      const message = `frame at ${offset} of ${total} carries ${payload.length} bytes`;
      throw new WireError("MALFORMED", message);
    }
    partial.message.set(payload, offset);
    partial.received += payload.length;
    if (partial.received === total) {
      partial.turn?.end();
      return partial.message;
    }
    partial.turn?.goesOn();
    this.#keep(transfer, partial);
    return undefined;
  }

  /** As the newest: a Map keeps the order of insertion, and `accept` has taken the transfer out. */
  #keep(transfer: number, partial: Unfinished): void {
    const [oldest] = this.#unfinished.keys();
    if (oldest !== undefined && this.#unfinished.size >= maxTransfers) {
      this.#unfinished.get(oldest)?.turn?.end();
      this.#unfinished.delete(oldest);
    }
    this.#unfinished.set(transfer, partial);
  }
}
