import { fedclair } from "#gen/fedclair.js";
import { maxTogether } from "./protocol.js";
import { WireError } from "./wire-error.js";
import { decodeBounded } from "./checks.js";

/** A piece of a message. */
export interface Frame {
  /** The sender's number for the message. */
  readonly transfer: number;
  /** Bytes of the message in earlier frames. */
  readonly offset: number;
  /** Bytes of the whole message. */
  readonly total: number;
  readonly payload: Uint8Array;
}

export function encodeFrame(frame: Frame): Uint8Array {
  return fedclair.v1.Frame.encode(frame).finish(true);
}

/** Decodes a frame; its payload is a view of `bytes`. @throws WireError */
export function decodeFrame(bytes: unknown): Frame {
  return decodeBounded("Frame", bytes, (reader) => {
    const { transfer, offset, total, payload } = fedclair.v1.Frame.decode(reader);
    return { transfer, offset, total, payload };
  });
}

/** Encodes messages that travel together. */
export function encodeMessages(messages: readonly Uint8Array[]): Uint8Array {
  return fedclair.v1.Messages.encode({ messages: [...messages] }).finish(true);
}

/** Decodes messages that travel together; they are views of `bytes`. @throws WireError */
export function decodeMessages(bytes: unknown): readonly Uint8Array[] {
  const { messages } = decodeBounded("Messages", bytes, (reader) =>
    fedclair.v1.Messages.decode(reader),
  );
  if (messages.length <= maxTogether) return messages;
  const text = `${messages.length} messages at once: expected at most ${maxTogether}`;
  throw new WireError("MALFORMED", text);
}
