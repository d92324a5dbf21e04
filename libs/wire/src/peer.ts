import { afterRunning } from "@fedclair/core/internal";
import { Assembler } from "./assembler.js";
import { encodeFrame } from "./codec/frame.js";
import {
  accepted,
  decodeReply,
  encodeReply,
  refuse,
  type Limits,
  type Reply,
} from "./codec/reply.js";
import { limitsBeforeWelcome, replyTimeout } from "./protocol.js";
import type { Traffic } from "./traffic.js";
import type { Turns } from "./turns.js";
import { toFailure } from "./wire-error.js";

/**
 * The connection as a peer needs it. The owner of the socket also calls `receive` and
 * `disconnected`.
 */
export interface Connection {
  emit(frame: Uint8Array, reply: (reply: unknown) => void): void;
  /** Closes the connection; `disconnected` is called afterwards. */
  close(): void;
}

/** Answers a complete message. */
export type Handler = (message: Uint8Array) => Reply;

/**
 * The far end of one connection. Sends it messages in frames, and answers every frame that arrives
 * from it.
 */
export class Peer {
  readonly #connection: Connection;
  readonly #handle: Handler;
  /** Counters of this end; several connections may share them. */
  readonly traffic: Traffic;
  /** Bytes of this connection alone. */
  bytesSent = 0;
  bytesReceived = 0;
  /** When anything last arrived, in ms since 1970. */
  lastSeen = Date.now();
  readonly #assembler: Assembler;
  #isLost = false;
  /** One callback for each frame that waits for a reply, called when the connection is lost. */
  readonly #waiting = new Set<() => void>();
  #limits = limitsBeforeWelcome;
  #transfers = 0;

  /** @param turns limits how many large messages arrive at a time; default: no limit */
  constructor(connection: Connection, traffic: Traffic, handle: Handler, turns?: Turns) {
    this.#assembler = new Assembler(limitsBeforeWelcome.maxMessageBytes, turns);
    this.#connection = connection;
    this.traffic = traffic;
    this.#handle = handle;
  }

  /** Applies the limits of the Welcome message. */
  agree(limits: Limits): void {
    this.#limits = limits;
    this.#assembler.maxMessageBytes = limits.maxMessageBytes;
  }

  /** Closes the connection. */
  close(): void {
    this.#connection.close();
  }

  /** Fails everything that waits for a reply; the owner calls it when the connection is gone. */
  disconnected(): void {
    this.#isLost = true;
    for (const giveUp of this.#waiting) giveUp();
    this.#assembler.close();
  }

  /**
   * Sends a message, one frame after another. It never rejects but returns a failure: OVERSIZE if
   * the message is longer than the far end accepts, HOST_LOST if the connection breaks, STALE_ROUND
   * if `signal` aborts between two frames, MALFORMED if the reply cannot be read.
   */
  async send(message: Uint8Array, signal?: AbortSignal): Promise<Reply> {
    const { chunkBytes, maxMessageBytes } = this.#limits;
    const total = message.length;
    if (total > maxMessageBytes) {
      const text = `a message of ${total} bytes: at most ${maxMessageBytes} are allowed`;
      return refuse({ code: "OVERSIZE", message: text });
    }
    const transfer = this.#transfers++ % 2 ** 32;
    this.traffic.messagesSent++;
    for (let offset = 0; ; offset += chunkBytes) {
      if (signal?.aborted) {
        return refuse({ code: "STALE_ROUND", message: "the work ended before it was sent" });
      }
      const payload = message.subarray(offset, offset + chunkBytes);
      const reply = await this.#request(encodeFrame({ transfer, offset, total, payload }));
      if (reply.type !== "accepted" || offset + chunkBytes >= total) return reply;
    }
  }

  /** Answers a `frame` event. @param args the arguments of the event @returns the answer */
  receive(args: readonly unknown[]): Reply {
    const reply = args.at(-1);
    const answer = this.#answer(args[0]);
    const { wait } = this.#assembler;
    if (answer.type === "failure") this.traffic.countRefusal(answer.failure.code);
    if (typeof reply !== "function") return answer; // the sender did not ask for a reply
    const bytes = encodeReply(answer);
    this.#countSent(bytes);
    const send = () => {
      (reply as (bytes: Uint8Array) => void)(bytes);
    };
    if (wait) void wait.then(send);
    else send();
    return answer;
  }

  #answer(frame: unknown): Reply {
    try {
      if (frame instanceof Uint8Array) this.#countReceived(frame);
      const message = this.#assembler.accept(frame);
      if (!message) return accepted;
      this.traffic.messagesReceived++;
      return this.#handle(message);
    } catch (error) {
      return refuse(toFailure(error, "MALFORMED"));
    }
  }

  #countSent({ length }: Uint8Array): void {
    this.bytesSent += length;
    this.traffic.bytesSent += length;
  }

  #countReceived({ length }: Uint8Array): void {
    this.lastSeen = Date.now();
    this.bytesReceived += length;
    this.traffic.bytesReceived += length;
  }

  #request(frame: Uint8Array): Promise<Reply> {
    return new Promise((resolve) => {
      const cancel = afterRunning(replyTimeout, () => {
        this.#connection.close();
      });
      const settle = (reply: Reply) => {
        cancel();
        this.#waiting.delete(onLost);
        resolve(reply);
      };
      const onLost = () => {
        settle(refuse({ code: "HOST_LOST", message: "the connection broke" }));
      };
      if (this.#isLost) {
        onLost();
        return;
      }
      this.#waiting.add(onLost);
      this.#countSent(frame);
      this.#connection.emit(frame, (bytes) => {
        if (bytes instanceof Uint8Array) this.#countReceived(bytes);
        settle(readReply(bytes));
      });
    });
  }
}

function readReply(bytes: unknown): Reply {
  try {
    return decodeReply(bytes);
  } catch (error) {
    return refuse(toFailure(error, "MALFORMED"));
  }
}
