import type { Update } from "@fedclair/core";
import { checkNames, deltaBytes, type ErrorCode, type Failure } from "@fedclair/core/internal";
import protobuf from "protobufjs/minimal.js";
import { fedclair } from "#gen/fedclair.js";
import { WireError } from "../wire-error.js";
import { decoding, nameOf, required, uint32, uniqueNames } from "./checks.js";
import { failureFromWire, failureToWire } from "./failure.js";
import { deltaFromWire, deltaToWire } from "./tensors.js";

type WireUpdate = fedclair.v1.ClientUpdate.$Properties;

/** A `PluginIdentity` that may be none: texts of a stranger. */
export interface WireIdentity {
  readonly kind: string;
  readonly name: string;
  readonly version: string;
  readonly hash: string;
}

export interface Join {
  readonly protocolVersion: number;
  readonly token: string;
  /** Virtual clients that the host can hold, at least 1. */
  readonly capacity: number;
  /** What the host can compute with. */
  readonly backends: readonly string[];
  readonly softwareVersion: string;
  /** The plug-ins from outside that the host has. */
  readonly plugins: readonly WireIdentity[];
  /** Does it bring clients of its own, and simulate none? */
  readonly external: boolean;
  /** The same whenever this process joins again; empty if it does not say. */
  readonly instance: string;
}

/** What a client host may say to the coordinator. */
export type HostMessage =
  | ({ readonly type: "join" } & Join)
  | { readonly type: "ready" }
  | {
      readonly type: "clientUpdate";
      readonly jobId: number;
      readonly clientId: string;
      /** That the host worked on it, as it says; 0 if it does not, or says what cannot be. */
      readonly workSeconds: number;
      /**
       * Copies and checks the tensors: not before it is known that the update is wanted at all.
       * @throws WireError
       */
      readonly read: () => Update;
    }
  | {
      readonly type: "clientFailed";
      readonly jobId: number;
      readonly clientId: string;
      readonly failure: Failure;
    };

const codec = fedclair.v1.HostMessage;

/** @throws WireError when the capacity is no uint32 */
export function encodeJoin(join: Join): Uint8Array {
  const { plugins, backends, ...rest } = join;
  const capacity = uint32("capacity", join.capacity);
  const lists = { plugins: [...plugins], backends: [...backends] };
  return codec.encode({ join: { ...rest, capacity, ...lists } }).finish();
}

export function encodeReady(): Uint8Array {
  return codec.encode({ ready: {} }).finish();
}

/**
 * @param workSeconds that the host worked on it
 * @throws WireError when a tensor's data does not fill its shape, or numExamples is no uint32
 */
export function encodeUpdate(jobId: number, update: Update, workSeconds = 0): Uint8Array {
  const clientUpdate: WireUpdate = {
    jobId,
    clientId: update.clientId,
    numExamples: uint32("numExamples", update.numExamples),
    delta: deltaToWire(update.delta),
    metrics: Object.entries(update.metrics).map(([name, value]) => ({ name, value })),
    workSeconds,
  };
  // With room for all of it: a writer that grows copies what it has, and so does one that lets go of its buffer.
  const writer = protobuf.Writer.create();
  writer.buf = Buffer.allocUnsafe(deltaBytes(update.delta) + 1024);
  return codec.encode({ clientUpdate }, writer).finish(true);
}

export function encodeClientFailed(jobId: number, clientId: string, failure: Failure): Uint8Array {
  const clientFailed = { jobId, clientId, failure: failureToWire(failure) };
  return codec.encode({ clientFailed }).finish();
}

/** @throws WireError */
export function decodeHostMessage(bytes: unknown): HostMessage {
  return decoding("HostMessage", bytes, (reader) => fromWire(codec.decode(reader)));
}

function fromWire(message: fedclair.v1.HostMessage): HostMessage {
  switch (message.body) {
    case "join":
      return { type: "join", ...joinFromWire(required("join", message.join)) };
    case "ready":
      return { type: "ready" };
    case "clientUpdate": {
      const wire = required("client_update", message.clientUpdate);
      const clientId = nameOf("client_id", wire.clientId);
      const read = () => updateFromWire(wire);
      const workSeconds = secondsOf(wire.workSeconds);
      return { type: "clientUpdate", jobId: wire.jobId ?? 0, clientId, workSeconds, read };
    }
    case "clientFailed": {
      const { jobId, clientId, failure } = required("client_failed", message.clientFailed);
      return {
        type: "clientFailed",
        jobId: jobId ?? 0,
        clientId: nameOf("client_id", clientId),
        failure: ofClient(failureFromWire(failure)),
      };
    }
    default:
      throw new WireError("MALFORMED", "HostMessage: no body that this version knows");
  }
}

/** A year: nobody's word makes a sum of them infinite. */
const mostSeconds = 366 * 24 * 3600;

function secondsOf(told: number | null | undefined): number {
  return told != null && told >= 0 && told <= mostSeconds ? told : 0;
}

/** Of the ways to fail those that are a host's to say of a client; what else a record may name the coordinator knows itself. */
const clientCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(["MALFORMED", "WRONG_MODULES", "WRONG_SHAPE", "NON_FINITE", "OVERSIZE"] as const),
  ...(["CLIENT_ERROR", "CLIENT_TIMEOUT", "NO_EVALUATION"] as const),
]);

function ofClient(failure: Failure): Failure {
  if (clientCodes.has(failure.code)) return failure;
  throw new WireError("MALFORMED", `error code ${failure.code} is not a host's to say of a client`);
}

function joinFromWire(wire: fedclair.v1.Join.$Properties): Join {
  return {
    protocolVersion: wire.protocolVersion ?? 0,
    token: wire.token ?? "",
    capacity: wire.capacity ?? 0,
    backends: wire.backends ?? [],
    softwareVersion: wire.softwareVersion ?? "",
    external: wire.external ?? false,
    instance: wire.instance ?? "",
    plugins: (wire.plugins ?? []).map(({ kind, name, version, hash }) => {
      return { kind: kind ?? "", name: name ?? "", version: version ?? "", hash: hash ?? "" };
    }),
  };
}

function updateFromWire({ clientId, numExamples, delta, metrics }: WireUpdate): Update {
  const names = (parts: readonly { readonly name?: string | null }[] | null | undefined) =>
    (parts ?? []).map(({ name }) => name ?? "");
  const refusal =
    checkNames("module", names(delta?.modules)) ?? checkNames("metric", names(metrics));
  if (refusal) throw new WireError(refusal.code, refusal.message);
  const measured = (metrics ?? []).map(({ name, value }): [string, number] => [
    name ?? "",
    value ?? 0,
  ]);
  return {
    clientId: clientId ?? "",
    numExamples: numExamples ?? 0,
    delta: deltaFromWire(delta ?? {}),
    // fromEntries, and not assignment, also gives a metric called __proto__ a place of its own.
    metrics: Object.fromEntries(uniqueNames("metric", measured)),
  };
}
