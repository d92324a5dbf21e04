import { bounds, printable, type Params } from "@fedclair/core";
import { fedclair } from "#gen/fedclair.js";
import { WireError } from "../wire-error.js";
import { decoding, nameOf, required } from "./checks.js";
import { paramsFromWire, paramsToWire } from "./tensors.js";
import { workIdFromWire, workIdToWire, type WorkId } from "./work-id.js";

/** What the coordinator may say to a client host. */
export type CoordinatorMessage =
  | { readonly type: "roundStart"; readonly work: WorkId; readonly global: Params }
  | {
      readonly type: "clientJob";
      readonly work: WorkId;
      readonly clientId: string;
      /** Absent: the client starts from the global params. */
      readonly personal: Params | undefined;
    }
  | { readonly type: "roundEnd"; readonly work: WorkId }
  | { readonly type: "trialEnd"; readonly reason: string };

const codec = fedclair.v1.CoordinatorMessage;

/** @throws WireError when a tensor's data does not fill its shape */
export function encodeCoordinatorMessage(message: CoordinatorMessage): Uint8Array {
  return codec.encode(toWire(message)).finish();
}

function toWire(message: CoordinatorMessage): fedclair.v1.CoordinatorMessage.$Properties {
  switch (message.type) {
    case "roundStart":
      return {
        roundStart: { work: workIdToWire(message.work), global: paramsToWire(message.global) },
      };
    case "clientJob": {
      const { clientId, personal } = message;
      const work = workIdToWire(message.work);
      return { clientJob: { work, clientId, personal: personal ? paramsToWire(personal) : null } };
    }
    case "roundEnd":
      return { roundEnd: { work: workIdToWire(message.work) } };
    case "trialEnd":
      return { trialEnd: { reason: message.reason } };
  }
}

/** @throws WireError */
export function decodeCoordinatorMessage(bytes: unknown): CoordinatorMessage {
  return decoding("CoordinatorMessage", bytes, (reader) => fromWire(codec.decode(reader)));
}

function fromWire(message: fedclair.v1.CoordinatorMessage): CoordinatorMessage {
  switch (message.body) {
    case "roundStart": {
      const { work, global } = required("round_start", message.roundStart);
      return {
        type: "roundStart",
        work: workIdFromWire(work),
        global: paramsFromWire(required("global", global)),
      };
    }
    case "clientJob": {
      const { work, clientId, personal } = required("client_job", message.clientJob);
      return {
        type: "clientJob",
        work: workIdFromWire(work),
        clientId: nameOf("client_id", clientId),
        personal: personal ? paramsFromWire(personal) : undefined,
      };
    }
    case "roundEnd":
      return { type: "roundEnd", work: workIdFromWire(message.roundEnd?.work) };
    case "trialEnd":
      return {
        type: "trialEnd",
        reason: printable(message.trialEnd?.reason ?? "", bounds.failureBytes),
      };
    default:
      throw new WireError("MALFORMED", "CoordinatorMessage: no body that this version knows");
  }
}
