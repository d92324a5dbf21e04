import assert from "node:assert/strict";
import { errorCodes } from "@fedclair/core/internal";
import { io, type Socket } from "socket.io-client";

/*
 * The protocol written by hand, without @fedclair/wire: protobuf fields, frames of transport.proto
 * and replies. A host of another implementation, or a malicious one, would send the same.
 */

/** Encodes a field of a protobuf message: a number as varint, bytes with their length. */
export function field(number: number, value: number | Uint8Array): Uint8Array {
  if (typeof value === "number") return Uint8Array.of(number << 3, ...varint(value));
  return Uint8Array.of((number << 3) | 2, ...varint(value.length), ...value);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

const text = (value: string) => new TextEncoder().encode(value);

/**
 * Encodes a Frame with the start of a message.
 * @param total size that the message claims to have
 */
export function frame(message: Uint8Array, total = message.length): Uint8Array {
  return Uint8Array.from([...field(3, total), ...field(4, message)]);
}

/** Encodes a HostMessage with a Join. */
export function join(
  token: string,
  version = 2,
  backend = process.env["FEDCLAIR_BACKEND"] ?? "wasm",
): Uint8Array {
  const fields = [
    field(1, version),
    field(2, text(token)),
    field(3, 1),
    field(4, text(backend)),
    field(5, text("by-hand")),
  ];
  return field(1, Uint8Array.from(fields.flatMap((bytes) => [...bytes])));
}

/** Parses a reply. @returns `accepted`, `welcome`, or the code of a failure */
export function parseReply(reply: Uint8Array): string {
  const body = (reply[0] ?? 0) >> 3;
  if (body === 1) return "accepted";
  if (body === 2) return "welcome";
  assert.equal(body, 3, "expected a Reply");
  // The code, with tag 1, follows the tag and a length of one or two bytes.
  const code = reply[(reply[1] ?? 0) < 128 ? 3 : 4];
  const [name] = Object.entries(errorCodes).find(([, number]) => number === code) ?? [];
  return name ?? `unknown code ${code}`;
}

/** A connection to a coordinator that is no client host. */
export class Stranger {
  /** Resolves when the connection is closed. */
  readonly ended: Promise<unknown>;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.ended = new Promise((resolve) => socket.once("disconnect", resolve));
  }

  static async connect(url: string): Promise<Stranger> {
    const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false });
    await new Promise<void>((resolve, reject) => {
      socket.on("connect", resolve);
      socket.on("connect_error", reject);
    });
    return new Stranger(socket);
  }

  /** Sends an event with any argument. @returns the coordinator's reply */
  async ask(argument: unknown, event = "frame"): Promise<string> {
    const reply: unknown = await this.#socket.timeout(60_000).emitWithAck(event, argument);
    assert.ok(reply instanceof Uint8Array);
    return parseReply(reply);
  }

  /** Sends more bytes than allowed. @returns the reason why the connection was closed */
  async overfill(bytes: Uint8Array): Promise<string> {
    const ended = new Promise<string>((resolve) => this.#socket.on("disconnect", resolve));
    this.#socket.emit("frame", bytes);
    return await ended;
  }

  close(): void {
    this.#socket.disconnect();
  }
}
