import { fedclair } from "#gen/fedclair.js";
import { decoding } from "./checks.js";

/** A piece of a message. */
export interface Frame {
  /** The sender's own number for the message. */
  readonly transfer: number;
  /** Bytes of the message that earlier frames carried. */
  readonly offset: number;
  /** Bytes of the whole message. */
  readonly total: number;
  readonly payload: Uint8Array;
}

export function encodeFrame(frame: Frame): Uint8Array {
  return fedclair.v1.Frame.encode(frame).finish(true);
}

/** The payload views `bytes`. @throws WireError */
export function decodeFrame(bytes: unknown): Frame {
  return decoding("Frame", bytes, (reader) => {
    const { transfer, offset, total, payload } = fedclair.v1.Frame.decode(reader);
    return { transfer, offset, total, payload };
  });
}
