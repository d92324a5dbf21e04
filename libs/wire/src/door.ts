import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { Server, Socket } from "node:net";
import { Debts, guesses, knocks, type Terms } from "./debts.js";
import { joinTimeout, limitsBeforeWelcome } from "./protocol.js";

/** Descriptors that are left for everything but connections: files of the run, and what Node.js needs. */
const reserve = 64;

/** Bytes that a connection may say over its websocket before it has joined: twice what a Join may take. */
const mostSaid = 2 * limitsBeforeWelcome.maxMessageBytes;

/** What a door lets in at most. */
export interface DoorLimits {
  /** Connections altogether. */
  readonly connections: number;
  /** Those among them that have not joined. */
  readonly strangers: number;
  /** How often an address may come, and ask. */
  readonly knocks: Terms;
}

/** A connection that has not joined. */
interface Stranger {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: NodeJS.Timeout;
  /** When its handshake may go on, in ms of `performance.now()`. */
  readonly due: number;
  /** Stops counting what it says. */
  unheard: () => void;
}

/**
 * Keeps strangers from taking what hosts need. A connection that has not joined in time is cut. Where there are too many that
 * have not, the oldest one of the address with the most goes: a host joins in a fraction of a second, and one that has joined
 * is never cut for others. One that says more than it takes to join is cut. An address that told too many wrong tokens is not let in, and one
 * that comes too often waits.
 */
export class Door {
  readonly #limits: DoorLimits;
  readonly #patience: number;
  /** By their far end, the oldest first. */
  readonly #strangers = new Map<string, Stranger>();
  readonly #connections = new Set<Socket>();
  readonly #guesses = new Debts(guesses);
  readonly #knocks: Debts;

  /** @param patience how long a connection has to join, in ms */
  constructor(server: Server, limits = doorLimits(), patience = joinTimeout) {
    this.#limits = limits;
    this.#knocks = new Debts(limits.knocks);
    this.#patience = patience;
    server.maxConnections = limits.connections;
    // The raw connection, also of a server that encrypts: it is there before anything was said.
    server.on("connection", (socket: Socket) => {
      this.#enter(socket);
    });
    server.on("request", ({ socket }: IncomingMessage) => {
      if (socket.destroyed || this.#knocksOn(addressOf(socket))) return;
      this.wrongToken(socket); // many requests may be in what was read at once, and all of them are heard
      socket.destroy();
    });
  }

  /** The connection has joined. @param socket as it came in, or encrypted */
  admit(socket: Socket): void {
    const stranger = this.#strangers.get(farEnd(socket));
    if (stranger) this.#forget(farEnd(socket), stranger);
  }

  /** The connection asks for a websocket. @returns how long that is to wait, in ms */
  delayOf(socket: Socket): number {
    const due = this.#strangers.get(farEnd(socket))?.due ?? 0;
    return Math.max(0, due - performance.now());
  }

  /** The connection has its websocket, which reads it. From here on what it says is counted, until it has joined. */
  listenTo(socket: Socket): void {
    const stranger = this.#strangers.get(farEnd(socket));
    if (!stranger) return;
    let said = 0;
    const count = ({ length }: Buffer) => {
      said += length;
      if (said <= mostSaid) return;
      this.wrongToken(socket);
      socket.destroy();
    };
    socket.on("data", count);
    stranger.unheard = () => socket.off("data", count);
  }

  /** The connection told a token that is none, or did something as bad. */
  wrongToken(socket: Socket): void {
    const address = addressOf(socket);
    this.#guesses.count(address);
    if (!this.#hasGuessed(address)) return;
    // Those that came in before are not heard either; this one still is told.
    for (const [key, stranger] of this.#strangers) {
      if (stranger.address !== address || key === farEnd(socket)) continue;
      stranger.socket.destroy();
      this.#forget(key, stranger);
    }
  }

  /** Cuts every connection. */
  close(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  #enter(socket: Socket): void {
    const [address, key] = [addressOf(socket), farEnd(socket)];
    const due = performance.now() + this.#knocks.delay(address);
    if (this.#hasGuessed(address) || !this.#knocksOn(address)) {
      socket.destroy();
      return;
    }
    while (this.#strangers.size >= this.#limits.strangers) this.#evict();
    this.#connections.add(socket);
    const timer = setTimeout(() => socket.destroy(), this.#patience);
    const stranger = { socket, address, timer, due, unheard: () => undefined };
    this.#strangers.set(key, stranger);
    socket.once("close", () => {
      this.#connections.delete(socket);
      this.#forget(key, stranger);
    });
  }

  /** @returns whether the address may go on */
  #knocksOn(address: string): boolean {
    if (this.#knocks.isFull(address)) return false;
    this.#knocks.count(address);
    return true;
  }

  #hasGuessed(address: string): boolean {
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
    stranger.unheard();
    if (this.#strangers.get(key) === stranger) this.#strangers.delete(key);
  }
}

/** What the system lets this process have open, less the reserve. */
function doorLimits(): DoorLimits {
  const connections = Math.max(openFiles() - reserve, reserve);
  return { connections, strangers: Math.min(1024, Math.floor(connections / 4)), knocks };
}

/** `ulimit -n`; where it cannot be read, the least that systems have. */
function openFiles(): number {
  try {
    const [, soft] =
      /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === "unlimited" ? 2 ** 16 : Number(soft ?? 256);
  } catch {
    return 256;
  }
}

function farEnd({ remoteAddress = "", remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Of IPv6 the half that names a network: its owner has all addresses of the other half. */
function addressOf({ remoteAddress = "" }: Socket): string {
  if (!remoteAddress.includes(":") || remoteAddress.includes(".")) return remoteAddress;
  const [head = ""] = remoteAddress.split("::");
  return head.split(":").slice(0, 4).join(":");
}
