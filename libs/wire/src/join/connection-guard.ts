import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { Server, Socket } from "node:net";
import { attemptLimit, RateLimiter, guessLimit, type BucketLimit } from "./rate-limit.js";
import { joinTimeout, limitsBeforeWelcome } from "../codec/protocol.js";

/** File descriptors that are reserved for files of the run and for Node.js. */
const reserve = 64;

/**
 * Bytes that a connection may send over its websocket before it has joined: twice the size of the
 * largest Join.
 */
const maxBytesBeforeJoin = 2 * limitsBeforeWelcome.maxMessageBytes;

/** Upper limits on connections. */
interface ConnectionLimits {
  readonly connections: number;
  /** Maximum number of connections that have not joined. */
  readonly strangers: number;
  /** How often an address may connect or send a request. */
  readonly attempts: BucketLimit;
}

/** How long a connection may take to fetch the page for tabs, in ms. */
const downloadTimeout = 60_000;

/** A connection that has not joined. */
interface Stranger {
  readonly socket: Socket;
  readonly address: string;
  timer: NodeJS.Timeout;
  /** Whether it has been given more time, for a page. */
  hasMoreTime: boolean;
  /** When its handshake may continue, in ms of `performance.now()`. */
  readonly due: number;
  /** Stops counting the bytes that it sends. */
  stopCounting: () => void;
}

/**
 * Protects resources that hosts need from strangers, connections that have not joined. A stranger
 * is cut off if it does not join in time or sends more than a Join needs. When there are too many,
 * the oldest one of the address with the most is cut off: a host joins in a fraction of a second,
 * and a joined host is never cut off to make room. An address that sent too many wrong tokens is
 * rejected, and one that connects too often has to wait.
 */
export class ConnectionGuard {
  readonly #limits: ConnectionLimits;
  readonly #joinTimeout: number;
  /** Strangers by their remote end, the oldest first. */
  readonly #strangers = new Map<string, Stranger>();
  readonly #connections = new Set<Socket>();
  readonly #guesses = new RateLimiter(guessLimit);
  readonly #attempts: RateLimiter;

  /** @param timeout how long a connection may take to join, in ms */
  constructor(server: Server, limits = defaultConnectionLimits(), timeout = joinTimeout) {
    this.#limits = limits;
    this.#attempts = new RateLimiter(limits.attempts);
    this.#joinTimeout = timeout;
    server.maxConnections = limits.connections;
    // This is the raw connection, even if the server uses TLS: it exists before anything was sent.
    server.on("connection", (socket: Socket) => {
      this.#accept(socket);
    });
    server.on("request", ({ socket }: IncomingMessage) => {
      if (socket.destroyed || this.#countAttempt(addressOf(socket))) return;
      // many requests may have been read at once, and all of them are handled
      this.countWrongToken(socket);
      socket.destroy();
    });
  }

  /** Marks the connection as joined. @param socket the raw socket or the encrypted one */
  markJoined(socket: Socket): void {
    const stranger = this.#strangers.get(formatRemoteEnd(socket));
    if (stranger) this.#forget(formatRemoteEnd(socket), stranger);
  }

  /** @returns how long, in ms, the connection has to wait for its websocket */
  delayOf(socket: Socket): number {
    const due = this.#strangers.get(formatRemoteEnd(socket))?.due ?? 0;
    return Math.max(0, due - performance.now());
  }

  /**
   * Starts counting the bytes that the connection sends until it has joined. Call it when the
   * websocket reads the connection.
   */
  countBytes(socket: Socket): void {
    const stranger = this.#strangers.get(formatRemoteEnd(socket));
    if (!stranger) return;
    let received = 0;
    const count = ({ length }: Buffer) => {
      received += length;
      if (received <= maxBytesBeforeJoin) return;
      this.countWrongToken(socket);
      socket.destroy();
    };
    socket.on("data", count);
    stranger.stopCounting = () => socket.off("data", count);
  }

  /** Counts a wrong token, or something equally bad, against the connection's address. */
  countWrongToken(socket: Socket): void {
    const address = addressOf(socket);
    this.#guesses.count(address);
    if (!this.#isBlocked(address)) return;
    // Older connections of the address are cut off too; this one still gets its answer.
    for (const [key, stranger] of this.#strangers) {
      if (stranger.address !== address || key === formatRemoteEnd(socket)) continue;
      stranger.socket.destroy();
      this.#forget(key, stranger);
    }
  }

  /** Gives a connection more time, once, because a page is sent to it. */
  allowDownload(socket: Socket): void {
    const stranger = this.#strangers.get(formatRemoteEnd(socket));
    if (!stranger || stranger.hasMoreTime) return;
    stranger.hasMoreTime = true;
    clearTimeout(stranger.timer);
    stranger.timer = setTimeout(() => stranger.socket.destroy(), downloadTimeout);
  }

  /** Cuts every connection. */
  close(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  #accept(socket: Socket): void {
    const [address, key] = [addressOf(socket), formatRemoteEnd(socket)];
    const due = performance.now() + this.#attempts.delay(address);
    if (this.#isBlocked(address) || !this.#countAttempt(address)) {
      socket.destroy();
      return;
    }
    while (this.#strangers.size >= this.#limits.strangers) this.#evict();
    this.#connections.add(socket);
    const timer = setTimeout(() => socket.destroy(), this.#joinTimeout);
    const stranger: Stranger = {
      socket,
      address,
      timer,
      hasMoreTime: false,
      due,
      stopCounting: () => undefined,
    };
    this.#strangers.set(key, stranger);
    socket.once("close", () => {
      this.#connections.delete(socket);
      this.#forget(key, stranger);
    });
  }

  /** @returns whether the address may continue */
  #countAttempt(address: string): boolean {
    if (this.#attempts.isFull(address)) return false;
    this.#attempts.count(address);
    return true;
  }

  #isBlocked(address: string): boolean {
    return this.#guesses.delay(address) > 0;
  }

  #evict(): void {
    const counts = new Map<string, number>();
    for (const { address } of this.#strangers.values()) {
      counts.set(address, (counts.get(address) ?? 0) + 1);
    }
    const most = Math.max(...counts.values());
    for (const [key, stranger] of this.#strangers) {
      if (counts.get(stranger.address) !== most) continue;
      stranger.socket.destroy();
      this.#forget(key, stranger);
      return;
    }
  }

  #forget(key: string, stranger: Stranger): void {
    clearTimeout(stranger.timer);
    stranger.stopCounting();
    if (this.#strangers.get(key) === stranger) this.#strangers.delete(key);
  }
}

/**
 * The limits that follow from the number of files that this process may open, minus the reserve.
 */
function defaultConnectionLimits(): ConnectionLimits {
  const connections = Math.max(readOpenFileLimit() - reserve, reserve);
  return {
    connections,
    strangers: Math.min(1024, Math.floor(connections / 4)),
    attempts: attemptLimit,
  };
}

/** Reads `ulimit -n`; if it cannot be read, returns the lowest limit that systems have. */
function readOpenFileLimit(): number {
  try {
    const [, soft] =
      /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === "unlimited" ? 2 ** 16 : Number(soft ?? 256);
  } catch {
    return 256;
  }
}

function formatRemoteEnd({ remoteAddress = "", remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/**
 * The address of the far end; for IPv6 only the half that identifies the network, because its owner
 * has all addresses of the other half.
 */
function addressOf({ remoteAddress = "" }: Socket): string {
  if (!remoteAddress.includes(":") || remoteAddress.includes(".")) return remoteAddress;
  const [head = ""] = remoteAddress.split("::");
  return head.split(":").slice(0, 4).join(":");
}
