import type { Failure } from "@fedclair/core/internal";
import { fedclair } from "#gen/fedclair.js";
import { WireError } from "../wire-error.js";
import { decoding, required } from "./checks.js";
import { failureFromWire, failureToWire } from "./failure.js";

/** What both ends of a connection keep to. */
export interface Limits {
  /** Payload of one frame at most, in bytes. */
  readonly chunkBytes: number;
  /** A whole message at most, in bytes. */
  readonly maxMessageBytes: number;
}

export interface Welcome extends Limits {
  readonly trialJson: string;
  /** What the host is to compute with. */
  readonly backend: string;
}

/** The answer to a frame. */
export type Reply =
  | { readonly type: "accepted" }
  | ({ readonly type: "welcome" } & Welcome)
  | { readonly type: "failure"; readonly failure: Failure };

export const accepted: Reply = { type: "accepted" };

export function refused(failure: Failure): Reply {
  return { type: "failure", failure };
}

const codec = fedclair.v1.Reply;

export function encodeReply(reply: Reply): Uint8Array {
  return codec.encode(toWire(reply)).finish();
}

function toWire(reply: Reply): fedclair.v1.Reply.$Properties {
  switch (reply.type) {
    case "accepted":
      return { accepted: {} };
    case "welcome": {
      const { trialJson, backend, chunkBytes, maxMessageBytes } = reply;
      return { welcome: { trialJson, backend, chunkBytes, maxMessageBytes } };
    }
    case "failure":
      return { failure: failureToWire(reply.failure) };
  }
}

/** @throws WireError */
export function decodeReply(bytes: unknown): Reply {
  // Welcome brings the trial, which is as long as its author likes.
  return decoding("Reply", bytes, (reader) => fromWire(codec.decode(reader)), Infinity);
}

function fromWire(message: fedclair.v1.Reply): Reply {
  switch (message.body) {
    case "accepted":
      return accepted;
    case "welcome": {
      const welcome = required("welcome", message.welcome);
      const { trialJson, backend, chunkBytes, maxMessageBytes } = welcome;
      return {
        type: "welcome",
        trialJson: trialJson ?? "",
        backend: backend ?? "",
        chunkBytes: chunkBytes ?? 0,
        maxMessageBytes: maxMessageBytes ?? 0,
      };
    }
    case "failure":
      return refused(failureFromWire(message.failure));
    default:
      throw new WireError("MALFORMED", "Reply: no body that this version knows");
  }
}
