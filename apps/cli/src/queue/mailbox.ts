import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { prefix } from "./queued-trial.js";

/** A message between a worker and a sweep: fields, and bytes of a file. */
export interface Message {
  readonly fields: unknown;
  readonly bytes: Uint8Array;
}

/** Seconds after which a message that nobody takes is removed. */
const keepSeconds = 120;

/** Seconds that one request to the server waits for a message. */
const pollSeconds = 5;

/** Delay, in ms, after an error of the server. */
const errorDelay = 500;

/**
 * Receives messages that others put into a list of the Valkey server, one after another. A message
 * is lost if the connection breaks while it arrives; its sender repeats it.
 */
export class Mailbox {
  readonly #client: Redis;
  readonly #list: string;
  readonly #receive: (message: Message) => Promise<void> | void;
  readonly #closed = new AbortController();

  constructor(client: Redis, name: string, receive: (message: Message) => Promise<void> | void) {
    this.#client = client.duplicate();
    this.#client.on("error", () => undefined); // reported by the first connection
    this.#list = listOf(name);
    this.#receive = receive;
    void this.#work();
  }

  close(): void {
    this.#closed.abort();
    this.#client.disconnect();
  }

  async #work(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        const [, data] = (await this.#client.blpopBuffer(this.#list, pollSeconds)) ?? [];
        const message = data && decode(data);
        if (message) await this.#receive(message);
      } catch {
        await delay(errorDelay, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

/** Sends a message. @throws Error if the server rejects it, for example because it is full */
export async function sendMessage(client: Redis, to: string, message: Message): Promise<void> {
  await client.rpush(listOf(to), encode(message));
  await client.expire(listOf(to), keepSeconds);
}

/** Runs a command until the server accepts it, and warns once while it does not. */
export async function untilAccepted<T>(
  command: () => Promise<T>,
  warn: (why: string) => void,
  signal: AbortSignal,
): Promise<T> {
  for (let last = ""; ;) {
    signal.throwIfAborted();
    try {
      return await command();
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      if (why !== last) warn(why);
      last = why;
      await delay(6 * errorDelay, undefined, { signal });
    }
  }
}

function listOf(name: string): string {
  return `${prefix}:to:${name}`;
}

/** Writes the length of the fields as JSON (4 bytes, big-endian), the fields, and the bytes. */
function encode({ fields, bytes }: Message): Buffer {
  const text = Buffer.from(JSON.stringify(fields));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(text.length);
  return Buffer.concat([head, text, bytes]);
}

function decode(data: Buffer): Message | undefined {
  try {
    const end = 4 + data.readUInt32BE(0);
    return { fields: JSON.parse(data.toString("utf8", 4, end)), bytes: data.subarray(end) };
  } catch {
    return undefined; // nobody waits for it, or its sender repeats it
  }
}
