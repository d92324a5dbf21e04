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
 * each, and with a semaphore no more bytes than that together. Further ones replace the oldest, so
 * a sender may abandon a message without notice.
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
    if (offset === 0) this.#makeRoom(total);
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
    if (offset > 0 && partial.permit?.isWaiting === true) {
      const message = `frame at ${offset} of ${total} came before the answer to the one before`;
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
    // As the newest one: a Map keeps the order of insertion, and `accept` has removed it before.
    this.#unfinished.set(transfer, partial);
    return undefined;
  }

  /** Drops the oldest transfers until there is room for another message. */
  #makeRoom(total: number): void {
    const largest = this.#semaphore ? Math.max(this.maxMessageBytes, largeMessageBytes) : Infinity;
    let bytes = total;
    for (const { message } of this.#unfinished.values()) bytes += message.length;
    for (const [oldest, { message, permit }] of this.#unfinished) {
      if (this.#unfinished.size < maxTransfers && bytes <= largest) return;
      bytes -= message.length;
      permit?.release();
      this.#unfinished.delete(oldest);
    }
  }
}
