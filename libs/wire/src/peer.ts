import { Assembler } from "./assembler.js";
import { encodeFrame } from "./codec/frame.js";
import {
  accepted,
  decodeReply,
  encodeReply,
  refused,
  type Limits,
  type Reply,
} from "./codec/reply.js";
import { limitsBeforeWelcome, replyTimeout } from "./protocol.js";
import type { Traffic } from "./traffic.js";
import type { Turns } from "./turns.js";
import { failureOf } from "./wire-error.js";

/** The connection as a peer needs it; the owner of the socket also calls `receive` and `disconnected`. */
export interface Connection {
  emit(frame: Uint8Array, reply: (reply: unknown) => void): void;
  /** Breaks the connection off; `disconnected` is called in due course. */
  close(): void;
}

/** Answers a whole message. */
export type Handler = (message: Uint8Array) => Reply;

/** The far end of one connection: sends it messages in frames, and answers every frame that comes from it. */
export class Peer {
  readonly #connection: Connection;
  readonly #handle: Handler;
  /** Counted by this end of the connection, or of several. */
  readonly traffic: Traffic;
  readonly #assembler: Assembler;
  #isLost = false;
  /** Of the frames that wait for a reply: what to do when the connection is gone. */
  readonly #waiting = new Set<() => void>();
  #limits = limitsBeforeWelcome;
  #transfers = 0;

  /** @param turns that large messages take which come; default: all may come at a time */
  constructor(connection: Connection, traffic: Traffic, handle: Handler, turns?: Turns) {
    this.#assembler = new Assembler(limitsBeforeWelcome.maxMessageBytes, turns);
    this.#connection = connection;
    this.traffic = traffic;
    this.#handle = handle;
  }

  /** The limits from Welcome on. */
  agree(limits: Limits): void {
    this.#limits = limits;
    this.#assembler.maxMessageBytes = limits.maxMessageBytes;
  }

  /** Breaks the connection off. */
  close(): void {
    this.#connection.close();
  }

  /** The owner's duty when the connection is gone: whatever waits for a reply then fails. */
  disconnected(): void {
    this.#isLost = true;
    for (const giveUp of this.#waiting) giveUp();
    this.#assembler.close();
  }

  /**
   * Sends a message, one frame after another. Never rejects: OVERSIZE if it is longer than the far end takes, HOST_LOST
   * if the connection breaks, STALE_ROUND if `signal` aborts between two frames, MALFORMED if the reply makes no sense.
   */
  async send(message: Uint8Array, signal?: AbortSignal): Promise<Reply> {
    const { chunkBytes, maxMessageBytes } = this.#limits;
    const total = message.length;
    if (total > maxMessageBytes) {
      const text = `a message of ${total} bytes: at most ${maxMessageBytes} are allowed`;
      return refused({ code: "OVERSIZE", message: text });
    }
    const transfer = this.#transfers++ % 2 ** 32;
    this.traffic.messagesSent++;
    for (let offset = 0; ; offset += chunkBytes) {
      if (signal?.aborted) {
        return refused({ code: "STALE_ROUND", message: "the work ended before it was sent" });
      }
      const payload = message.subarray(offset, offset + chunkBytes);
      const reply = await this.#request(encodeFrame({ transfer, offset, total, payload }));
      if (reply.type !== "accepted" || offset + chunkBytes >= total) return reply;
    }
  }

  /** Answers a `frame` event. @param args whatever it carried @returns the answer */
  receive(args: readonly unknown[]): Reply {
    const reply = args.at(-1);
    const answer = this.#answer(args[0]);
    const { wait } = this.#assembler;
    if (answer.type === "failure") this.traffic.countRefusal(answer.failure.code);
    if (typeof reply !== "function") return answer; // the sender did not ask to be told
    const bytes = encodeReply(answer);
    this.traffic.bytesSent += bytes.length;
    const send = () => {
      (reply as (bytes: Uint8Array) => void)(bytes);
    };
    if (wait) void wait.then(send);
    else send();
    return answer;
  }

  #answer(frame: unknown): Reply {
    try {
      if (frame instanceof Uint8Array) this.traffic.bytesReceived += frame.length;
      const message = this.#assembler.accept(frame);
      if (!message) return accepted;
      this.traffic.messagesReceived++;
      return this.#handle(message);
    } catch (error) {
      return refused(failureOf(error, "MALFORMED"));
    }
  }

  #request(frame: Uint8Array): Promise<Reply> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#connection.close();
      }, replyTimeout);
      const settle = (reply: Reply) => {
        clearTimeout(timer);
        this.#waiting.delete(onLost);
        resolve(reply);
      };
      const onLost = () => {
        settle(refused({ code: "HOST_LOST", message: "the connection broke" }));
      };
      if (this.#isLost) {
        onLost();
        return;
      }
      this.#waiting.add(onLost);
      this.traffic.bytesSent += frame.length;
      this.#connection.emit(frame, (bytes) => {
        if (bytes instanceof Uint8Array) this.traffic.bytesReceived += bytes.length;
        settle(replyFrom(bytes));
      });
    });
  }
}

function replyFrom(bytes: unknown): Reply {
  try {
    return decodeReply(bytes);
  } catch (error) {
    return refused(failureOf(error, "MALFORMED"));
  }
}
