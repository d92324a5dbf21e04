import type { Limits } from "./reply.js";

/**
 * Increased whenever an old host and a new coordinator, or the reverse, would misunderstand each
 * other.
 */
export const protocolVersion = 2;

/** Limits for both ends until Welcome, so that a stranger cannot fill the coordinator's memory. */
export const limitsBeforeWelcome: Limits = { chunkBytes: 64 * 1024, maxMessageBytes: 64 * 1024 };

export const defaultLimits: Limits = {
  chunkBytes: 1024 * 1024,
  maxMessageBytes: 256 * 1024 * 1024,
};

/**
 * Maximum size of the trial as JSON. Welcome is a single frame, and the heartbeat waits while it is
 * read, so a trial should not contain data.
 */
export const maxTrialBytes = 16 * 1024 * 1024;

/** Maximum number of backends in a Join. */
export const maxBackends = 8;

/** Maximum number of contaminations in a Join. */
export const maxContaminations = 256;

/** Maximum length of a backend's name and of a software version, in characters. */
export const maxWordLength = 64;

/** Maximum number of messages that travel together, so that an event is handled in milliseconds. */
export const maxTogether = 256;

/** Upper bound on the bytes of a frame in addition to its payload, which are at most 24. */
export const frameOverheadBytes = 64;

/**
 * Settings of the heartbeat, which detects cut cables and machines that stop; a process that ends
 * closes its connection at once. A busy host must not be considered dead: compiling a kernel,
 * reading a corpus or a synchronous training step can block the event loop for tens of seconds. A
 * host is therefore lost only after a silence of `pingInterval` + `pingTimeout` = 60 s.
 */
export const heartbeat = { pingInterval: 10_000, pingTimeout: 50_000 } as const;

/** Time in ms after which an end that answers heartbeats but no frames is cut off too. */
export const replyTimeout = heartbeat.pingInterval + heartbeat.pingTimeout;

/** Time in ms after which a connection that has not joined is closed. */
export const joinTimeout = 10_000;

/**
 * The events of both directions. Their bytes are encoded messages of
 * proto/fedclair/v1/transport.proto: a Frame and its Reply, or Messages and their Replies.
 */
export interface Events {
  frame: (frame: Uint8Array, reply: (reply: Uint8Array) => void) => void;
  messages: (messages: Uint8Array, replies: (replies: Uint8Array) => void) => void;
}
