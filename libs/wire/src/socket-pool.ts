import type { Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import {
  exitCodes,
  printable,
  type Admit,
  type Answer,
  type ClientPool,
  type Failure,
  type Job,
  type PluginIdentity,
} from "@fedclair/core/internal";
import { Bases } from "./bases.js";
import { encodeCoordinatorMessage } from "./codec/coordinator-message.js";
import { decodeHostMessage, type HostMessage, type Join } from "./codec/host-message.js";
import { accepted, refused, type Limits, type Reply } from "./codec/reply.js";
import { Gate, type Judgement } from "./gate.js";
import { HostSession } from "./host-session.js";
import { answerNotFound, listen, type HostSocket, type Listener } from "./listen.js";
import { limitedLog, type Log } from "./limited-log.js";
import { OpenJobs } from "./open-jobs.js";
import { Peer } from "./peer.js";
import { defaultLimits, maxTrialBytes } from "./protocol.js";
import { checkOpenness } from "./openness.js";
import { Roster } from "./roster.js";
import type { TokenClaims } from "./signed-token.js";
import { createServer, type Certificates } from "./tls.js";
import { TokenCheck, type TokenRule } from "./token-check.js";
import { Traffic } from "./traffic.js";
import { Turns } from "./turns.js";
import { whyNotReady } from "./why-not-ready.js";

export interface SocketPoolOptions {
  /** All clients of the trial, in their order. */
  readonly clientIds: readonly string[];
  /** Those that are not simulated, for hosts that bring their own. Default: none. */
  readonly external?: ReadonlySet<string>;
  /** The resolved trial: what hosts act by. */
  readonly trialJson: string;
  /** Address to listen on. Default 127.0.0.1: this machine only. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** By what it knows its hosts; required unless `host` is a loopback address. Default: no token. */
  readonly tokens?: TokenRule;
  /** By what connections are encrypted: `cert` and `key` at least; required, or `insecure`, as `tokens` is. */
  readonly tls?: Certificates;
  /** Let other machines in without TLS? */
  readonly insecure?: boolean;
  /** What hosts must compute with; by default the first host to join decides. */
  readonly backend?: string;
  /** The plug-ins from outside that hosts must have. Default: none. */
  readonly plugins?: readonly PluginIdentity[];
  /** Payload of a frame in bytes; default 1 MiB. */
  readonly chunkBytes?: number;
  /** Bytes of a message at most; default 256 MiB. */
  readonly maxMessageBytes?: number;
  /** Listens for the pool, and answers what is not for the websocket; closed with the pool. */
  readonly server?: HttpServer | HttpsServer;
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

type Refusal = Extract<Judgement, { readonly refusal: unknown }>;

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
  readonly #tokens: TokenCheck;
  readonly #gate: Gate;
  readonly #roster: Roster;
  readonly #bases = new Bases();
  readonly #turns = new Turns();
  readonly #logRefusal: Log;
  /** By the ids of the jobs. */
  readonly #open = new Map<number, Given>();
  #ended = false;
  /** Until work is given out a host that leaves again, unfit for the trial, leaves no trace. */
  #hasBegun = false;
  #onRosterChange: () => void = () => undefined;

  /** @throws UserError if it cannot listen there, the trial is too long, or other machines could join without a token or TLS */
  static async listen(options: SocketPoolOptions): Promise<SocketPool> {
    const { host = "127.0.0.1", port = 0, log = () => undefined, tls } = options;
    checkOpenness(host, options, log);
    const trialBytes = Buffer.byteLength(options.trialJson);
    if (trialBytes > maxTrialBytes) {
      throw new UserError(
        `the trial takes ${trialBytes} bytes as JSON, and a joining host is sent at most ${maxTrialBytes}: ` +
          "let the task read what is long from a file, and name that in its options",
      );
    }
    const { chunkBytes, maxMessageBytes } = { ...defaultLimits, ...options };
    const logRefusal = limitedLog(log);
    const { server = createServer(answerNotFound, tls, logRefusal) } = options;
    const listener = await listen(host, port, chunkBytes, server);
    return new SocketPool(options, { chunkBytes, maxMessageBytes }, listener, logRefusal);
  }

  private constructor(
    options: SocketPoolOptions,
    limits: Limits,
    listener: Listener,
    logRefusal: Log,
  ) {
    this.#options = options;
    this.#limits = limits;
    this.#listener = listener;
    this.url = listener.url;
    this.#tokens = new TokenCheck(options.tokens ?? { secret: "" }, options.clientIds.length);
    this.#gate = new Gate(this.#tokens, options.backend, options.plugins ?? []);
    this.#roster = new Roster(options.clientIds, options.external);
    this.#logRefusal = logRefusal;
    listener.io.on("connection", (socket) => {
      this.#connect(socket);
    });
  }

  /** What the hosts compute with; undefined until the first one has joined. */
  get backend(): string | undefined {
    return this.#gate.backend(this.#roster.kinds);
  }

  /** Hosts that have joined, and the clients that those which are ready have room for. */
  get joined(): { readonly hosts: number; readonly clients: number } {
    const { sessions, homeless } = this.#roster;
    return { hosts: sessions.length, clients: this.#options.clientIds.length - homeless.length };
  }

  /** @throws UserError (exit code 3) if `signal` times out before the joined hosts can hold all clients */
  async ready(signal: AbortSignal): Promise<void> {
    const wake = () => {
      this.#onRosterChange();
    };
    signal.addEventListener("abort", wake);
    try {
      while (this.#roster.homeless.length > 0) {
        if (signal.aborted) throw this.#notReady(signal.reason);
        if (this.#ended) throw new Error("the pool was closed before its clients could be reached");
        await new Promise<void>((resolve) => (this.#onRosterChange = resolve));
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  async *ask(jobs: readonly Job[], admit: Admit, signal: AbortSignal): AsyncIterable<Answer> {
    const open = new OpenJobs(jobs, admit);
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

  #notReady(reason: unknown): unknown {
    if (!(reason instanceof DOMException && reason.name === "TimeoutError")) return reason;
    return new UserError(whyNotReady(this.#roster, this.url), exitCodes.quorum);
  }

  #distribute(open: OpenJobs): Parts {
    for (const session of this.#roster.sessions) {
      if (session.claims && this.#tokens.isRevoked(session.claims) === true) {
        this.#dismiss(session, "its token was revoked");
      }
    }
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
    let isRefused = false;
    const peer = new Peer(
      {
        emit: (frame, reply) => socket.emit("frame", frame, reply),
        close: () => {
          socket.conn.close();
        },
      },
      this.traffic,
      (bytes) => {
        const since = performance.now();
        const message = decodeHostMessage(bytes);
        this.traffic.decodedSince(since);
        if (session) return this.#handle(session, message);
        if (message.type !== "join") {
          return refused({ code: "NOT_JOINED", message: "expected a Join first" });
        }
        const judgement = this.#judge(message);
        if ("refusal" in judgement) return this.#refuse(message, judgement, socket);
        const reply = this.#welcome(message, judgement);
        this.#listener.door.admit(socket.request.socket);
        peer.agree(reply);
        session = new HostSession(peer, message, this.#bases, judgement.claims);
        this.#roster.add(session);
        return reply;
      },
      this.#turns,
    );
    // Any other event is answered as a frame that is none.
    socket.onAny((event: string, ...args: unknown[]) => {
      if (isRefused) return;
      const answer = peer.receive(event === "frame" ? args : [undefined, args.at(-1)]);
      // Who is refused before it has joined has nothing more to say; what it was told still goes out.
      isRefused = answer.type === "failure" && !session;
      if (isRefused) socket.conn.close();
    });
    socket.on("disconnect", (reason) => {
      peer.disconnected();
      if (session) this.#lose(session, reason);
    });
  }

  #judge(join: Join): Judgement {
    if (this.#ended) return { refusal: { code: "TRIAL_ENDED", message: "the trial is over" } };
    const judgement = this.#gate.judge(join);
    if ("refusal" in judgement || !judgement.claims) return judgement;
    const { host, id } = judgement.claims;
    const present = this.#roster.named(host);
    if (!present || present.claims?.id === id) return judgement;
    const message = `host '${host}' is here, with another token: stop it first; a broken connection is noticed within a minute`;
    return { refusal: { code: "BAD_TOKEN", message } };
  }

  #refuse(join: Join, { refusal, isGuess }: Refusal, socket: HostSocket): Reply {
    if (isGuess) this.#listener.door.wrongToken(socket.request.socket);
    this.#logRefusal(`refused a ${hostText(join)}: ${refusal.code}: ${refusal.message}`, "warn");
    return refused(refusal);
  }

  /** A host that comes again has lost its connection, whether that was noticed here or not: what it was, it is no more. */
  #welcome(
    join: Join,
    { claims, backend }: Exclude<Judgement, Refusal>,
  ): Extract<Reply, { type: "welcome" }> {
    const before = claims && this.#roster.named(claims.host);
    if (before) this.#dismiss(before, "a host with the same token took its place");
    this.#options.log?.(`a ${hostText(join, claims)} joined`, "info");
    return { type: "welcome", trialJson: this.#options.trialJson, backend, ...this.#limits };
  }

  /** Does without a host from now on. */
  #dismiss(session: HostSession, why: string): void {
    this.#lose(session, why);
    void session.dismiss(`this host is not wanted any more: ${why}`);
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
        ? this.#takeUpdate(open, job, message)
        : open.fail(job, message.failure);
    return refusal ? refused(refusal) : accepted;
  }

  #takeUpdate(
    open: OpenJobs,
    job: Job,
    { read, workSeconds }: Extract<HostMessage, { readonly type: "clientUpdate" }>,
  ): Failure | undefined {
    const refusal = open.answer(job, () => {
      const since = performance.now();
      const update = read();
      this.traffic.decodedSince(since);
      return update;
    });
    if (!refusal) this.traffic.workSeconds += workSeconds;
    return refusal;
  }

  #lose(session: HostSession, reason: string): void {
    if (!this.#roster.has(session)) return; // it was dismissed
    const clients = this.#roster.remove(session);
    const { external } = session;
    const isLast = this.#roster.sessions.every((other) => other.external !== external);
    if (!this.#hasBegun && isLast) this.#gate.forget(external);
    const host = session.claims ? ` '${session.claims.host}'` : "";
    const told = `lost a host${host} with ${clients} clients: ${reason}`;
    if (!this.#ended) this.#options.log?.(told, "warn"); // hosts leave when the trial is over
    for (const [id, { open, session: holder }] of this.#open) {
      const job = open.jobs.get(id);
      if (!job || holder !== session) continue;
      open.fail(job, { code: "HOST_LOST", message: `the client's host left: ${reason}` });
    }
  }
}

/** For the log. */
function hostText(
  { backends, capacity, external, softwareVersion }: Join,
  claims?: TokenClaims,
): string {
  const name = claims ? `host '${claims.host}'` : "host";
  return printable(
    `${name} (${backends.join(" or ")}, room for ${capacity} ${capacity === 1 ? "client" : "clients"}${external ? " of its own" : ""}, version ${softwareVersion})`,
    maxHostText,
  );
}
