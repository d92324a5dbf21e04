import type { Server as HttpServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import {
  exitCodes,
  printable,
  UserError,
  type Answer,
  type ClientPool,
  type Job,
  type PluginIdentity,
} from "@fedclair/core";
import { Bases } from "./bases.js";
import { encodeCoordinatorMessage } from "./codec/coordinator-message.js";
import { decodeHostMessage, type HostMessage, type Join } from "./codec/host-message.js";
import { accepted, refused, type Limits, type Reply } from "./codec/reply.js";
import { Gate } from "./gate.js";
import { HostSession } from "./host-session.js";
import { isLoopback, listen, type HostSocket, type Listener } from "./listen.js";
import { limitedLog, type Log } from "./limited-log.js";
import { OpenJobs } from "./open-jobs.js";
import { Peer } from "./peer.js";
import { defaultLimits, maxTrialBytes } from "./protocol.js";
import { Roster } from "./roster.js";
import { Traffic } from "./traffic.js";

export interface SocketPoolOptions {
  /** All clients of the trial, in their order. */
  readonly clientIds: readonly string[];
  /** The resolved trial: what hosts act by. */
  readonly trialJson: string;
  /** Address to listen on. Default 127.0.0.1: this machine only. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** The secret that hosts must know; required unless `host` is a loopback address. */
  readonly token?: string;
  /** What hosts must compute with; by default the first host to join decides. */
  readonly backend?: string;
  /** The plug-ins from outside that hosts must have. Default: none. */
  readonly plugins?: readonly PluginIdentity[];
  /** Payload of a frame in bytes; default 1 MiB. */
  readonly chunkBytes?: number;
  /** Bytes of a message at most; default 256 MiB. */
  readonly maxMessageBytes?: number;
  /** Listens for the pool, and answers what is not for the websocket; closed with the pool. */
  readonly server?: HttpServer;
  /** Told in a sentence of hosts that join, are refused, or are lost. */
  readonly log?: Log;
}

/** Bytes of what the log says of a host that joins or is refused. */
const maxHostText = 200;

/** Calls of `ask` that a host may let pass without an answer. */
const mostSilentCalls = 2;

/** A job that a host has been given. */
interface Given {
  readonly open: OpenJobs;
  readonly session: HostSession;
}

/** The jobs of one call, by the host that was given them. */
type Parts = ReadonlyMap<HostSession, readonly Job[]>;

/** How long `close` waits for hosts to hear that the trial is over, in ms. */
const farewellTimeout = 5000;

/** Clients in other processes: client hosts dial in, each by one websocket, and are given clients up to their capacity. */
export class SocketPool implements ClientPool {
  /** Where hosts find it. */
  readonly url: string;
  readonly traffic = new Traffic();
  readonly #options: SocketPoolOptions;
  readonly #limits: Limits;
  readonly #listener: Listener;
  readonly #gate: Gate;
  readonly #roster: Roster;
  readonly #bases = new Bases();
  readonly #logRefusal: Log;
  /** By the ids of the jobs. */
  readonly #open = new Map<number, Given>();
  #ended = false;
  /** Until work is given out a host that leaves again, unfit for the trial, leaves no trace. */
  #hasBegun = false;
  #onRosterChange: () => void = () => undefined;

  /** @throws UserError if it cannot listen there, the trial is too long, or other machines could join without a token */
  static async listen(options: SocketPoolOptions): Promise<SocketPool> {
    const { host = "127.0.0.1", port = 0, token = "", server } = options;
    if (token === "" && !isLoopback(host)) {
      throw new UserError(
        `listening on ${host} lets other machines in: set a token, or listen on 127.0.0.1`,
      );
    }
    const trialBytes = Buffer.byteLength(options.trialJson);
    if (trialBytes > maxTrialBytes) {
      throw new UserError(
        `the trial takes ${trialBytes} bytes as JSON, and a joining host is sent at most ${maxTrialBytes}: ` +
          "let the task read what is long from a file, and name that in its options",
      );
    }
    const { chunkBytes, maxMessageBytes } = { ...defaultLimits, ...options };
    const listener = await listen(host, port, chunkBytes, server);
    return new SocketPool(options, { chunkBytes, maxMessageBytes }, listener);
  }

  private constructor(options: SocketPoolOptions, limits: Limits, listener: Listener) {
    this.#options = options;
    this.#limits = limits;
    this.#listener = listener;
    this.url = listener.url;
    this.#gate = new Gate(options.token ?? "", options.backend, options.plugins ?? []);
    this.#roster = new Roster(options.clientIds);
    this.#logRefusal = limitedLog(options.log ?? (() => undefined));
    listener.io.on("connection", (socket) => {
      this.#connect(socket);
    });
  }

  /** What the hosts compute with; undefined until the first one has joined. */
  get backend(): string | undefined {
    return this.#gate.backend;
  }

  /** Hosts that have joined, and the clients that those which are ready have room for. */
  get joined(): { readonly hosts: number; readonly clients: number } {
    const { sessions, homeless } = this.#roster;
    return { hosts: sessions.length, clients: this.#options.clientIds.length - homeless };
  }

  /** @throws UserError (exit code 3) if `signal` times out before the joined hosts can hold all clients */
  async ready(signal: AbortSignal): Promise<void> {
    const wake = () => {
      this.#onRosterChange();
    };
    signal.addEventListener("abort", wake);
    try {
      while (this.#roster.homeless > 0) {
        if (signal.aborted) throw this.#notReady(signal.reason);
        if (this.#ended) throw new Error("the pool was closed before its clients could be reached");
        await new Promise<void>((resolve) => (this.#onRosterChange = resolve));
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  async *ask(jobs: readonly Job[], signal: AbortSignal): AsyncIterable<Answer> {
    const open = new OpenJobs(jobs);
    this.#hasBegun = true;
    let parts: Parts = new Map();
    const close = () => {
      open.close();
      for (const id of open.jobs.keys()) this.#open.delete(id);
    };
    signal.addEventListener("abort", close);
    try {
      if (signal.aborted) return;
      parts = this.#distribute(open);
      yield* open.answers();
    } finally {
      signal.removeEventListener("abort", close);
      close();
      this.#cutSilent(parts, open);
    }
  }

  /**
   * Tells the hosts that the trial is over, and stops listening.
   * @param reason for people
   * @param exitCode the hosts end with it
   */
  async close(reason = "the trial is over", exitCode: number = exitCodes.ok): Promise<void> {
    this.#ended = true;
    for (const { open } of this.#open.values()) open.close();
    this.#open.clear();
    this.#onRosterChange();
    const bytes = encodeCoordinatorMessage({ type: "trialEnd", reason, exitCode });
    const told = Promise.all(this.#roster.sessions.map(({ peer }) => peer.send(bytes)));
    const waiting = new AbortController();
    const timeout = delay(farewellTimeout, undefined, { signal: waiting.signal });
    await Promise.race([told, timeout.catch(() => undefined)]);
    waiting.abort();
    await this.#listener.close();
  }

  #distribute(open: OpenJobs): Parts {
    this.#roster.deal();
    const parts = new Map<HostSession, Job[]>();
    for (const job of open.jobs.values()) {
      const session = this.#roster.holder(job.clientId);
      if (!session) {
        open.fail(job, { code: "HOST_LOST", message: "no joined host has room for the client" });
        continue;
      }
      this.#open.set(job.id, { open, session });
      const part = parts.get(session) ?? [];
      part.push(job);
      parts.set(session, part);
    }
    for (const [session, jobs] of parts) session.give(open, jobs);
    return parts;
  }

  /** A host that let several calls pass without a word is cut off: its clients go to others, and it may join again. */
  #cutSilent(parts: Parts, open: OpenJobs): void {
    for (const [session, jobs] of parts) {
      session.silentCalls = jobs.some((job) => open.isAnswered(job)) ? 0 : session.silentCalls + 1;
      if (session.silentCalls < mostSilentCalls || this.#ended) continue;
      this.#options.log?.(
        `a host answered nothing in ${mostSilentCalls} rounds: it is cut off`,
        "warn",
      );
      session.peer.close();
    }
  }

  #connect(socket: HostSocket): void {
    let session: HostSession | undefined;
    const peer = new Peer(
      {
        emit: (frame, reply) => socket.emit("frame", frame, reply),
        close: () => {
          socket.conn.close();
        },
      },
      this.traffic,
      (bytes) => {
        const message = decodeHostMessage(bytes);
        if (session) return this.#handle(session, message);
        if (message.type !== "join") {
          return refused({ code: "NOT_JOINED", message: "expected a Join first" });
        }
        const reply = this.#join(message, socket);
        if (reply.type === "welcome") {
          this.#listener.door.admit(socket.request.socket);
          peer.agree(reply);
          session = new HostSession(peer, message.capacity, this.#bases);
          this.#roster.add(session);
        }
        return reply;
      },
    );
    // Any other event is answered as a frame that is none.
    socket.onAny((event: string, ...args: unknown[]) => {
      const answer = peer.receive(event === "frame" ? args : [undefined, args.at(-1)]);
      // Who is refused before it has joined has nothing more to say; what it was told still goes out.
      if (answer.type === "failure" && !session) socket.conn.close();
    });
    socket.on("disconnect", (reason) => {
      peer.disconnected();
      if (session) this.#lose(session, reason);
    });
  }

  #join(join: Join, socket: HostSocket): Reply {
    const refusal = this.#ended
      ? ({ code: "TRIAL_ENDED", message: "the trial is over" } as const)
      : this.#gate.refusal(join);
    const { backend, capacity, softwareVersion } = join;
    const host = printable(
      `host (${backend}, room for ${capacity} clients, version ${softwareVersion})`,
      maxHostText,
    );
    if (refusal) {
      if (refusal.code === "BAD_TOKEN") this.#listener.door.wrongToken(socket.request.socket);
      this.#logRefusal(`refused a ${host}: ${refusal.code}: ${refusal.message}`, "warn");
      return refused(refusal);
    }
    this.#options.log?.(`a ${host} joined`, "info");
    return { type: "welcome", trialJson: this.#options.trialJson, ...this.#limits };
  }

  #handle(session: HostSession, message: HostMessage): Reply {
    switch (message.type) {
      case "join":
        return refused({ code: "DUPLICATE", message: "this host has joined already" });
      case "ready":
        session.ready = true;
        this.#onRosterChange();
        return accepted;
      default:
        return this.#takeResult(session, message);
    }
  }

  #takeResult(
    session: HostSession,
    message: Extract<HostMessage, { readonly clientId: string }>,
  ): Reply {
    const { jobId, clientId } = message;
    const { open, session: holder } = this.#open.get(jobId) ?? {};
    const job = open?.jobs.get(jobId);
    if (!open || !job) {
      return refused({ code: "STALE_ROUND", message: `job ${jobId} is not open` });
    }
    if (job.clientId !== clientId || holder !== session) {
      const message = `client '${clientId}' of job ${jobId} is not this host's`;
      return refused({ code: "UNKNOWN_CLIENT", message });
    }
    const refusal =
      message.type === "clientUpdate"
        ? open.answer(job, message.read)
        : open.fail(job, message.failure);
    return refusal ? refused(refusal) : accepted;
  }

  #lose(session: HostSession, reason: string): void {
    const clients = this.#roster.remove(session);
    if (!this.#hasBegun && this.#roster.sessions.length === 0) this.#gate.forget();
    const level = this.#ended ? "info" : "warn"; // hosts leave when the trial is over
    this.#options.log?.(`lost a host with ${clients} clients: ${reason}`, level);
    for (const [id, { open, session: holder }] of this.#open) {
      const job = open.jobs.get(id);
      if (!job || holder !== session) continue;
      open.fail(job, { code: "HOST_LOST", message: `the client's host left: ${reason}` });
    }
  }

  #notReady(reason: unknown): unknown {
    if (!(reason instanceof DOMException && reason.name === "TimeoutError")) return reason;
    const { clientIds } = this.#options;
    return new UserError(
      `joined hosts hold ${clientIds.length - this.#roster.homeless} of ${clientIds.length} clients: ` +
        `start more hosts, or hosts with more capacity, for ${this.url}`,
      exitCodes.quorum,
    );
  }
}
