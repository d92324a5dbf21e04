import { decodeFrame, type Frame } from "../codec/frame.js";
import { largeMessageBytes, type Permit, type ByteSemaphore } from "./byte-semaphore.js";
import { WireError } from "../codec/wire-error.js";

interface Unfinished {
  readonly message: Uint8Array;
  /** The permit to be in memory; set for a large message only. */
  readonly permit: Permit | undefined;
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
  readonly #semaphore: ByteSemaphore | undefined;
  readonly #unfinished = new Map<number, Unfinished>();

  /** @param semaphore limits how many large messages arrive at a time; default: no limit */
  constructor(maxMessageBytes: number, semaphore?: ByteSemaphore) {
    this.maxMessageBytes = maxMessageBytes;
    this.#semaphore = semaphore;
  }

  /** Drops all unfinished messages: no more frames arrive. */
  close(): void {
    for (const { permit } of this.#unfinished.values()) permit?.release();
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
    if (offset === 0) existing?.permit?.release();
    // the whole message is in this frame
    if (offset === 0 && payload.length === total) return payload;
    const partial = offset === 0 ? this.#start(total) : existing;
    try {
      return this.#append(partial, { transfer, offset, total, payload });
    } catch (error) {
      partial?.permit?.release();
      throw error;
    }
  }

  #start(total: number): Unfinished {
    const permit = total >= largeMessageBytes ? this.#semaphore?.acquire(total) : undefined;
    this.wait = permit?.wait;
    return { message: new Uint8Array(total), permit, received: 0 };
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
      partial.permit?.release();
      return partial.message;
    }
    partial.permit?.extend();
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
      this.#unfinished.get(oldest)?.permit?.release();
      this.#unfinished.delete(oldest);
    }
    this.#unfinished.set(transfer, partial);
  }
}
