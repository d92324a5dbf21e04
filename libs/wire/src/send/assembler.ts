import { decodeFrame, type Frame } from "../codec/frame.js";
import { largeMessage, type Turn, type Turns } from "./large-transfers.js";
import { WireError } from "../codec/wire-error.js";

interface Unfinished {
  readonly message: Uint8Array;
  /** The sender's turn; set for a large message only. */
  readonly turn: Turn | undefined;
  received: number;
}

/**
 * A sender that follows the protocol has at most its window of messages in flight, plus a few that
 * it abandoned.
 */
export const maxTransfers = 8;

/**
 * Joins frames into messages. Holds at most 8 unfinished messages of at most `maxMessageBytes`
 * each. A ninth replaces the oldest, so a sender may abandon a message without notice.
 */
export class Assembler {
  maxMessageBytes: number;
  /**
   * Set by the last frame: resolves when its sender may continue; undefined if it may continue at
   * once.
   */
  wait: Promise<void> | undefined;
  readonly #turns: Turns | undefined;
  readonly #unfinished = new Map<number, Unfinished>();

  /** @param turns limits how many large messages arrive at a time; default: no limit */
  constructor(maxMessageBytes: number, turns?: Turns) {
    this.maxMessageBytes = maxMessageBytes;
    this.#turns = turns;
  }

  /** Drops all unfinished messages: no more frames arrive. */
  close(): void {
    for (const { turn } of this.#unfinished.values()) turn?.end();
    this.#unfinished.clear();
  }

  /**
   * @returns the message if this frame completes it; the result may be a view of `bytes`
   * @throws WireError MALFORMED or OVERSIZE
   */
  accept(bytes: unknown): Uint8Array | undefined {
    this.wait = undefined;
    const { transfer, offset, total, payload } = decodeFrame(bytes);
    if (total > this.maxMessageBytes) {
      const message = `a message of ${total} bytes: at most ${this.maxMessageBytes} are allowed`;
      throw new WireError("OVERSIZE", message);
    }
    const existing = this.#unfinished.get(transfer);
    this.#unfinished.delete(transfer);
    if (offset === 0) existing?.turn?.end();
    // the whole message is in this frame
    if (offset === 0 && payload.length === total) return payload;
    const partial = offset === 0 ? this.#start(total) : existing;
    try {
      return this.#append(partial, { transfer, offset, total, payload });
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

  #append(
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
    partial.turn?.touch();
    this.#keep(transfer, partial);
    return undefined;
  }

  /**
   * Stores the transfer as the newest one. A Map keeps the order of insertion, and `accept` has
   * removed the transfer before.
   */
  #keep(transfer: number, partial: Unfinished): void {
    const [oldest] = this.#unfinished.keys();
    if (oldest !== undefined && this.#unfinished.size >= maxTransfers) {
      this.#unfinished.get(oldest)?.turn?.end();
      this.#unfinished.delete(oldest);
    }
    this.#unfinished.set(transfer, partial);
  }
}
