import { turnOfEventLoop } from "@fedclair/core";
import { afterRunning } from "@fedclair/core/internal";
import { Assembler } from "./assembler.js";
import { decodeMessages, encodeFrame, encodeMessages } from "../codec/frame.js";
import {
  accepted,
  decodeReplies,
  decodeReply,
  encodeReplies,
  encodeReply,
  refuse,
  type Limits,
  type Reply,
} from "../codec/reply.js";
import { limitsBeforeWelcome, maxTogether, replyTimeout, type Events } from "../codec/protocol.js";
import type { Traffic } from "./traffic.js";
import type { ByteSemaphore } from "./byte-semaphore.js";
import { toFailure, WireError } from "../codec/wire-error.js";

/**
 * The connection as a channel needs it. The owner of the socket also calls `receive` and
 * `disconnected`.
 */
export interface ChannelConnection {
  emit(event: keyof Events, bytes: Uint8Array, reply: (reply: unknown) => void): void;
  /** Closes the connection; `disconnected` is called afterwards. */
  close(): void;
}

/** Answers a complete message. */
export type Handler = (message: Uint8Array) => Reply;

/** Size up to which messages travel together, in bytes. */
const smallBytes = 2 ** 16;

/**
 * While the replies to this many events are due, small messages wait, and travel together. With
 * fewer, a slow network would be idle between them.
 */
const maxUnanswered = 4;

/** Upper bound on the bytes that a message takes beside itself if it travels with others. */
const overheadBytes = 8;

/** A small message that waits to be sent. */
interface Waiting {
  readonly message: Uint8Array;
  readonly signal: AbortSignal | undefined;
  readonly settle: (reply: Reply) => void;
}

/**
 * Both directions of one connection: sends messages, small ones together and long ones in frames,
 * and answers those that arrive.
 */
export class Channel {
  readonly #connection: ChannelConnection;
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
  /** One callback for each event that waits for a reply, called when the connection is lost. */
  readonly #waiting = new Set<() => void>();
  #limits = limitsBeforeWelcome;
  #hasLimits = false;
  #transfers = 0;
  /** Small messages, in the order in which they are to be sent. */
  #small: Waiting[] = [];
  #willSend = false;
  /** Number of events with small messages whose replies have not arrived. */
  #unanswered = 0;

  /** @param semaphore limits how many large messages arrive at a time; default: no limit */
  constructor(
    connection: ChannelConnection,
    traffic: Traffic,
    handle: Handler,
    semaphore?: ByteSemaphore,
  ) {
    this.#assembler = new Assembler(limitsBeforeWelcome.maxMessageBytes, semaphore);
    this.#connection = connection;
    this.traffic = traffic;
    this.#handle = handle;
  }

  /** Applies the limits of the Welcome message. */
  applyLimits(limits: Limits): void {
    this.#limits = limits;
    this.#hasLimits = true;
    this.#assembler.maxMessageBytes = limits.maxMessageBytes;
  }

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
   * Sends a message. It never rejects but returns a failure. OVERSIZE: the message is longer than
   * the far end accepts. HOST_LOST: the connection breaks. STALE_ROUND: `signal` aborts before all
   * of it is sent. MALFORMED: the reply cannot be read.
   */
  async send(message: Uint8Array, signal?: AbortSignal): Promise<Reply> {
    const { maxMessageBytes } = this.#limits;
    if (message.length > maxMessageBytes) {
      const text = `a message of ${message.length} bytes: at most ${maxMessageBytes} are allowed`;
      return refuse({ code: "OVERSIZE", message: text });
    }
    this.traffic.messagesSent++;
    if (!this.sendsTogether(message))
      return await this.#sendFrames(message, signal).catch(refuseFor);
    return await new Promise((settle) => {
      this.#small.push({ message, signal, settle });
      void this.#sendTogether();
    });
  }

  /** Whether a message travels with others. Such messages arrive in the order of `send`. */
  sendsTogether({ length }: Uint8Array): boolean {
    return this.#hasLimits && length <= Math.min(this.#limits.chunkBytes, smallBytes);
  }

  /** @throws WireError HOST_LOST or MALFORMED */
  async #sendFrames(message: Uint8Array, signal: AbortSignal | undefined): Promise<Reply> {
    const { chunkBytes } = this.#limits;
    const total = message.length;
    const transfer = this.#transfers++ % 2 ** 32;
    for (let offset = 0; ; offset += chunkBytes) {
      if (signal?.aborted) return unwanted;
      const payload = message.subarray(offset, offset + chunkBytes);
      const frame = encodeFrame({ transfer, offset, total, payload });
      const reply = decodeReply(await this.#request("frame", frame));
      if (reply.type !== "accepted" || offset + chunkBytes >= total) return reply;
    }
  }

  /** Sends the small messages of this turn of the event loop, unless too many are unanswered. */
  async #sendTogether(): Promise<void> {
    if (this.#willSend) return;
    this.#willSend = true;
    await turnOfEventLoop();
    this.#willSend = false;
    while (this.#small.length > 0 && this.#unanswered < maxUnanswered) {
      const group = this.#takeGroup();
      if (group.length > 0) void this.#sendGroup(group);
    }
  }

  async #sendGroup(group: readonly Waiting[]): Promise<void> {
    this.#unanswered++;
    const bytes = encodeMessages(group.map(({ message }) => message));
    const replies = await this.#request("messages", bytes)
      .then(decodeReplies)
      .catch((error: unknown) => group.map(() => refuseFor(error)));
    this.#unanswered--;
    group.forEach(({ settle }, i) => {
      settle(replies[i] ?? noReply);
    });
    if (this.#small.length > 0) void this.#sendTogether();
  }

  /** Takes the small messages to send next, as many as a frame may carry. */
  #takeGroup(): Waiting[] {
    let [bytes, count] = [0, 0];
    for (const { message } of this.#small) {
      bytes += message.length + overheadBytes;
      if (count === maxTogether || (count > 0 && bytes > this.#limits.chunkBytes)) break;
      count++;
    }
    const group = this.#small.splice(0, count);
    for (const { signal, settle } of group) if (signal?.aborted) settle(unwanted);
    return group.filter(({ signal }) => !signal?.aborted);
  }

  /**
   * Answers an event.
   * @param args its arguments
   * @returns the answer, or the first one to several messages
   */
  receive(event: string, args: readonly unknown[]): Reply {
    const [data, reply] = [args[0], args.at(-1)];
    if (data instanceof Uint8Array) this.#countReceived(data);
    const isTogether = event === "messages" && this.#hasLimits;
    const answers = isTogether
      ? this.#answerTogether(data)
      : [this.#answerFrame(event === "frame" ? data : undefined)];
    const wait = isTogether ? undefined : this.#assembler.wait;
    for (const answer of answers)
      if (answer.type === "failure") this.traffic.countRefusal(answer.failure.code);
    const [first = accepted] = answers;
    if (typeof reply !== "function") return first; // the sender did not ask for a reply
    const bytes = isTogether ? encodeReplies(answers) : encodeReply(first);
    this.#countSent(bytes);
    const send = () => {
      (reply as (bytes: Uint8Array) => void)(bytes);
    };
    if (wait) void wait.then(send);
    else send();
    return first;
  }

  #answerFrame(frame: unknown): Reply {
    try {
      const message = this.#assembler.accept(frame);
      return message ? this.#answer(message) : accepted;
    } catch (error) {
      return refuseFor(error);
    }
  }

  #answerTogether(bytes: unknown): readonly Reply[] {
    try {
      return decodeMessages(bytes).map((message) => this.#answer(message));
    } catch (error) {
      return [refuseFor(error)];
    }
  }

  #answer(message: Uint8Array): Reply {
    this.traffic.messagesReceived++;
    try {
      return this.#handle(message);
    } catch (error) {
      return refuseFor(error);
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

  /**
   * Sends an event.
   * @returns the reply, not yet decoded
   * @throws WireError HOST_LOST
   */
  #request(event: keyof Events, bytes: Uint8Array): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const cancel = afterRunning(replyTimeout, () => {
        this.#connection.close();
      });
      const onLost = () => {
        cancel();
        this.#waiting.delete(onLost);
        reject(new WireError("HOST_LOST", "the connection broke"));
      };
      if (this.#isLost) {
        onLost();
        return;
      }
      this.#waiting.add(onLost);
      this.#countSent(bytes);
      this.#connection.emit(event, bytes, (reply) => {
        cancel();
        this.#waiting.delete(onLost);
        if (reply instanceof Uint8Array) this.#countReceived(reply);
        resolve(reply);
      });
    });
  }
}

const unwanted = refuse({ code: "STALE_ROUND", message: "the work ended before it was sent" });
const noReply = refuse({ code: "MALFORMED", message: "a message got no reply" });

function refuseFor(error: unknown): Reply {
  return refuse(toFailure(error, "MALFORMED"));
}
