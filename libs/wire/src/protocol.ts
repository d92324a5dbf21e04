import type { Limits } from "./codec/reply.js";

/** Raised whenever an old host and a new coordinator, or the reverse, would misunderstand each other. */
export const protocolVersion = 2;

/** Both ends keep to these until Welcome, so that a stranger cannot fill the coordinator's memory. */
export const limitsBeforeWelcome: Limits = { chunkBytes: 64 * 1024, maxMessageBytes: 64 * 1024 };

export const defaultLimits: Limits = {
  chunkBytes: 1024 * 1024,
  maxMessageBytes: 256 * 1024 * 1024,
};

/** Of the trial as JSON. Welcome is one piece, read at one go while the heartbeat waits: data do not belong in it. */
export const maxTrialBytes = 16 * 1024 * 1024;

/** Backends that a host names at most. */
export const maxBackends = 8;

/** Characters of a backend's name, and of a software version. */
export const maxWordLength = 64;

/** Fields of a frame beside its payload take at most 24 bytes. */
export const frameOverheadBytes = 64;

/**
 * A process that ends closes its connection at once; the heartbeat is for cut cables and machines that stop. It must not
 * take a busy host for a dead one: compiling a kernel, reading a corpus or a synchronous training step can keep the event
 * loop from answering for tens of seconds. Hence silence of `pingInterval` + `pingTimeout` = 60 s before a host is lost.
 */
export const heartbeat = { pingInterval: 10_000, pingTimeout: 50_000 } as const;

/** An end that answers heartbeats but no frames for so long (in ms) is cut off too. */
export const replyTimeout = heartbeat.pingInterval + heartbeat.pingTimeout;

/** A connection that has not joined by then is closed, in ms. */
export const joinTimeout = 10_000;

/** The events of both directions. The frame and its reply are encoded messages of proto/fedclair/v1/transport.proto. */
export interface Events {
  frame: (frame: Uint8Array, reply: (reply: Uint8Array) => void) => void;
}
