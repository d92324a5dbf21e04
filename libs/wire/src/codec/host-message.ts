import type { Update } from "@fedclair/core";
import { checkNames, deltaBytes, type ErrorCode, type Failure } from "@fedclair/core/internal";
import protobuf from "protobufjs/minimal.js";
import { fedclair } from "#gen/fedclair.js";
import { WireError } from "./wire-error.js";
import { decodeBounded, checkName, requireField, checkUint32, toUniqueMap } from "./checks.js";
import { failureFromWire, failureToWire } from "./failure.js";
import { deltaFromWire, deltaToWire } from "./tensors.js";

type WireUpdate = fedclair.v1.ClientUpdate.$Properties;

/** The fields of a `PluginIdentity` as the sender wrote them, not yet checked. */
interface WireIdentity {
  readonly kind: string;
  readonly name: string;
  readonly version: string;
  readonly hash: string;
}

export interface Join {
  readonly protocolVersion: number;
  readonly token: string;
  /** Number of virtual clients that the host can hold, at least 1. */
  readonly capacity: number;
  /** Backends that the host can compute with. */
  readonly backends: readonly string[];
  readonly softwareVersion: string;
  /** External plug-ins that the host has loaded. */
  readonly plugins: readonly WireIdentity[];
  /** Whether the host brings its own clients instead of simulating them. */
  readonly external: boolean;
  /**
   * An id that stays the same when this process joins again; empty if the host does not send one.
   */
  readonly instance: string;
  /** The contaminations of data that the host's own clients carry out. */
  readonly contaminations: readonly string[];
}

/** A message from a client host to the coordinator. */
export type HostMessage =
  | ({ readonly type: "join" } & Join)
  | { readonly type: "ready" }
  | {
      readonly type: "clientUpdate";
      readonly jobId: number;
      readonly clientId: string;
      /**
       * Seconds that the host spent on the job, as reported by the host; 0 if missing or
       * implausible.
       */
      readonly workSeconds: number;
      /** Bytes of memory, likewise: the largest so far of the process that runs the clients. */
      readonly peakMemory: number;
      /** The largest so far of its tensors on GPUs. */
      readonly peakDeviceMemory: number;
      /**
       * Copies and checks the tensors. Call it only once it is known that the update is wanted.
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

/** @throws WireError when the capacity is not a uint32 */
export function encodeJoin(join: Join): Uint8Array {
  const { plugins, backends, contaminations, ...rest } = join;
  const capacity = checkUint32("capacity", join.capacity);
  const wire = {
    ...rest,
    capacity,
    plugins: [...plugins],
    backends: [...backends],
    contaminations: [...contaminations],
  };
  return codec.encode({ join: wire }).finish();
}

export function encodeReady(): Uint8Array {
  return codec.encode({ ready: {} }).finish();
}

/**
 * @param workSeconds seconds that the host spent on the job
 * @throws WireError when a tensor's data does not fill its shape, or numExamples is not a uint32
 */
export function encodeUpdate(jobId: number, update: Update, workSeconds = 0): Uint8Array {
  const clientUpdate: WireUpdate = {
    jobId,
    clientId: update.clientId,
    numExamples: checkUint32("numExamples", update.numExamples),
    delta: deltaToWire(update.delta),
    metrics: Object.entries(update.metrics).map(([name, value]) => ({ name, value })),
    workSeconds,
  };
  // Allocate the full size up front: a writer that grows copies its contents, and so does one that
  // releases its buffer.
  const writer = protobuf.Writer.create();
  writer.buf = new Uint8Array(deltaBytes(update.delta) + 1024);
  return codec.encode({ clientUpdate }, writer).finish(true);
}

export function encodeClientFailed(jobId: number, clientId: string, failure: Failure): Uint8Array {
  const clientFailed = { jobId, clientId, failure: failureToWire(failure) };
  return codec.encode({ clientFailed }).finish();
}

/** @throws WireError */
export function decodeHostMessage(bytes: unknown): HostMessage {
  return decodeBounded("HostMessage", bytes, (reader) => fromWire(codec.decode(reader)));
}

function fromWire(message: fedclair.v1.HostMessage): HostMessage {
  switch (message.body) {
    case "join":
      return { type: "join", ...joinFromWire(requireField("join", message.join)) };
    case "ready":
      return { type: "ready" };
    case "clientUpdate": {
      const wire = requireField("client_update", message.clientUpdate);
      const clientId = checkName("client_id", wire.clientId);
      const read = () => updateFromWire(wire);
      const workSeconds = readMeasured(wire.workSeconds, maxWorkSeconds);
      const peakMemory = readMeasured(wire.peakMemory, maxMemory);
      const peakDeviceMemory = readMeasured(wire.peakDeviceMemory, maxMemory);
      const measured = { workSeconds, peakMemory, peakDeviceMemory };
      return { type: "clientUpdate", jobId: wire.jobId ?? 0, clientId, ...measured, read };
    }
    case "clientFailed": {
      const { jobId, clientId, failure } = requireField("client_failed", message.clientFailed);
      return {
        type: "clientFailed",
        jobId: jobId ?? 0,
        clientId: checkName("client_id", clientId),
        failure: checkClientFailure(failureFromWire(failure)),
      };
    }
    default:
      throw new WireError("MALFORMED", "HostMessage: no body that this version knows");
  }
}

/** Upper bound on `workSeconds`, a year: a single host cannot make the sum infinite. */
const maxWorkSeconds = 366 * 24 * 3600;

/** Upper bound on memory, in bytes: a petabyte. */
const maxMemory = 2 ** 50;

function readMeasured(value: number | null | undefined, most: number): number {
  return value != null && value >= 0 && value <= most ? value : 0;
}

/**
 * The failure codes that a host may report for a client. The coordinator determines all other codes
 * in records itself.
 */
const clientCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(["MALFORMED", "WRONG_MODULES", "WRONG_SHAPE", "NON_FINITE", "OVERSIZE"] as const),
  ...(["CLIENT_ERROR", "CLIENT_TIMEOUT", "CLIENT_HUNG", "NO_EVALUATION"] as const),
]);

/** @throws WireError if a host has no say in such a failure of a client */
export function checkClientFailure(failure: Failure): Failure {
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
    contaminations: wire.contaminations ?? [],
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
    metrics: Object.fromEntries(toUniqueMap("metric", measured)),
  };
}
