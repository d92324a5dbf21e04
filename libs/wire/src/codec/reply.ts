import type { Failure } from "@fedclair/core/internal";
import { fedclair } from "#gen/fedclair.js";
import { WireError } from "./wire-error.js";
import { decodeBounded, requireField } from "./checks.js";
import { failureFromWire, failureToWire } from "./failure.js";

/** Limits that both ends of a connection respect. */
export interface Limits {
  /** Maximum payload of one frame, in bytes. */
  readonly chunkBytes: number;
  /** Maximum size of a whole message, in bytes. */
  readonly maxMessageBytes: number;
}

export interface Welcome extends Limits {
  readonly trialJson: string;
  /** The backend that the host must compute with. */
  readonly backend: string;
  /** The coordinator's release; empty if it does not say. */
  readonly softwareVersion: string;
}

/** The answer to a frame. */
export type Reply =
  | { readonly type: "accepted" }
  | ({ readonly type: "welcome" } & Welcome)
  | { readonly type: "failure"; readonly failure: Failure };

export const accepted: Reply = { type: "accepted" };

export function refuse(failure: Failure): Reply {
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
      const { trialJson, backend, chunkBytes, maxMessageBytes, softwareVersion } = reply;
      return { welcome: { trialJson, backend, chunkBytes, maxMessageBytes, softwareVersion } };
    }
    case "failure":
      return { failure: failureToWire(reply.failure) };
  }
}

/** @throws WireError */
export function decodeReply(bytes: unknown): Reply {
  // Welcome carries the trial, which can be long.
  return decodeBounded("Reply", bytes, (reader) => fromWire(codec.decode(reader)), Infinity);
}

export function encodeReplies(replies: readonly Reply[]): Uint8Array {
  return fedclair.v1.Replies.encode({ replies: replies.map(toWire) }).finish();
}

/** @throws WireError */
export function decodeReplies(bytes: unknown): readonly Reply[] {
  return decodeBounded("Replies", bytes, (reader) =>
    fedclair.v1.Replies.decode(reader).replies.map(fromWire),
  );
}

function fromWire(message: fedclair.v1.Reply): Reply {
  switch (message.body) {
    case "accepted":
      return accepted;
    case "welcome": {
      const welcome = requireField("welcome", message.welcome);
      const { trialJson, backend, chunkBytes, maxMessageBytes, softwareVersion } = welcome;
      return {
        type: "welcome",
        trialJson: trialJson ?? "",
        backend: backend ?? "",
        chunkBytes: chunkBytes ?? 0,
        maxMessageBytes: maxMessageBytes ?? 0,
        softwareVersion: softwareVersion ?? "",
      };
    }
    case "failure":
      return refuse(failureFromWire(message.failure));
    default:
      throw new WireError("MALFORMED", "Reply: no body that this version knows");
  }
}
