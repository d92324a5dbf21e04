import { decodeFrame } from "./codec/frame.js";
import { WireError } from "./wire-error.js";

interface Unfinished {
  readonly message: Uint8Array;
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
  readonly #unfinished = new Map<number, Unfinished>();

  constructor(maxMessageBytes: number) {
    this.maxMessageBytes = maxMessageBytes;
  }

  /** @returns the message if this frame completes it @throws WireError MALFORMED or OVERSIZE */
  accept(bytes: unknown): Uint8Array | undefined {
    const { transfer, offset, total, payload } = decodeFrame(bytes);
    if (total > this.maxMessageBytes) {
      const message = `a message of ${total} bytes: at most ${this.maxMessageBytes} are allowed`;
      throw new WireError("OVERSIZE", message);
    }
    const partial = offset === 0 ? start(total) : this.#unfinished.get(transfer);
    this.#unfinished.delete(transfer);
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
    if (partial.received === total) return partial.message;
    this.#keep(transfer, partial);
    return undefined;
  }

  /** As the newest: a Map keeps the order of insertion, and `accept` has taken the transfer out. */
  #keep(transfer: number, partial: Unfinished): void {
    const [oldest] = this.#unfinished.keys();
    if (oldest !== undefined && this.#unfinished.size >= maxTransfers)
      this.#unfinished.delete(oldest);
    this.#unfinished.set(transfer, partial);
  }
}

function start(total: number): Unfinished {
  return { message: new Uint8Array(total), received: 0 };
}
