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
  type HostStatus,
} from "@fedclair/core/internal";
import { SharedBases } from "./send/shared-bases.js";
import { encodeCoordinatorMessage } from "./codec/coordinator-message.js";
import { decodeHostMessage, type HostMessage, type Join } from "./codec/host-message.js";
import { accepted, refuse, type Limits, type Reply } from "./codec/reply.js";
import { HostList } from "./assign/host-list.js";
import { JoinPolicy, type JoinDecision } from "./join/join-policy.js";
import { HostSession } from "./assign/host-session.js";
import {
  answerNotFound,
  listen,
  type HostSocket,
  type JoinPage,
  type Listener,
} from "./join/listen.js";
import { createLimitedLog, type LogLine } from "./join/limited-log.js";
import { OpenJobs } from "./assign/open-jobs.js";
import { Channel } from "./send/channel.js";
import { defaultLimits, maxTrialBytes } from "./codec/protocol.js";
import { checkExposure } from "./join/exposure.js";
import { HostRegistry } from "./assign/host-registry.js";
import type { TokenClaims } from "./join/signed-token.js";
import { createServer, type Certificates } from "./join/tls.js";
import { TokenCheck, type TokenRule } from "./join/token-check.js";
import { Traffic } from "./send/traffic.js";
import { ByteSemaphore } from "./send/byte-semaphore.js";
import { explainNotReady } from "./assign/why-not-ready.js";

export interface SocketPoolOptions {
  /** All clients of the trial, in order. */
  readonly clientIds: readonly string[];
  /** Clients that are not simulated and belong to hosts that bring their own. Default: none. */
  readonly external?: ReadonlySet<string>;
  /** The resolved trial, which is sent to the hosts. */
  readonly trialJson: string;
  /** Address to listen on. Default: 127.0.0.1, which only this machine can reach. */
  readonly host?: string;
  /** Port to listen on. Default: 0, any free port. */
  readonly port?: number;
  /**
   * How hosts are authenticated; required unless `host` is a loopback address. Default: no token.
   */
  readonly tokens?: TokenRule;
  /**
   * TLS certificates, at least `cert` and `key`. Required, or else `insecure`, unless `host` is a
   * loopback address.
   */
  readonly tls?: Certificates;
  /** Whether other machines may connect without TLS. */
  readonly insecure?: boolean;
  /** The backend that hosts must use; by default the first host to join decides. */
  readonly backend?: string;
  /** The release of this coordinator, with which those of hosts are compared. Default: none. */
  readonly softwareVersion?: string;
  /** External plug-ins that hosts must have. Default: none. */
  readonly plugins?: readonly PluginIdentity[];
  /** Contaminations of data that hosts with their own clients must carry out. Default: none. */
  readonly contaminations?: readonly string[];
  /** Payload of a frame in bytes; default 1 MiB. */
  readonly chunkBytes?: number;
  /** Maximum size of a message in bytes; default 256 MiB. */
  readonly maxMessageBytes?: number;
  /**
   * The server to use; it answers requests that are not for the websocket, and is closed together
   * with the pool.
   */
  readonly server?: HttpServer | HttpsServer;
  /** The page on which browser tabs join. Default: none, and no browser can connect. */
  readonly page?: JoinPage;
  /** Receives a sentence when a host joins, is refused or is lost. */
  readonly log?: LogLine;
}

/** Maximum length of the log's description of a host, in bytes. */
const maxHostText = 200;

/** Number of consecutive calls of `ask` that a host may leave unanswered before it is cut off. */
const maxSilentCalls = 2;

/** A job that was sent to a host. */
interface Assignment {
  readonly open: OpenJobs;
  readonly session: HostSession;
}

/** The jobs of one call, by host. */
type Parts = ReadonlyMap<HostSession, readonly Job[]>;

type Refusal = Extract<JoinDecision, { readonly refusal: unknown }>;

/** How long `close` waits for hosts to learn that the trial is over, in ms. */
const farewellTimeout = 5000;

/**
 * A pool of clients in other processes. Each client host connects with one websocket and gets
 * clients up to its capacity.
 *
 * A host is lost in one of three ways: its connection ends or answers no heartbeat
 * (join/listen.ts), it does not acknowledge a message in time (send/channel.ts), or it answers no
 * job in `maxSilentCalls` calls of `ask`.
 */
export class SocketPool implements ClientPool {
  /** The address for hosts to connect to. */
  readonly url: string;
  /** The origin of the page on which browser tabs join; undefined if there is none. */
  readonly pageOrigin: string | undefined;
  readonly traffic = new Traffic();
  readonly #options: SocketPoolOptions;
  readonly #limits: Limits;
  readonly #listener: Listener;
  readonly #tokens: TokenCheck;
  readonly #joinPolicy: JoinPolicy;
  readonly #registry: HostRegistry;
  readonly #hosts: HostList;
  readonly #bases = new SharedBases();
  readonly #semaphore = new ByteSemaphore();
  readonly #logRefusal: LogLine;
  readonly #otherReleases = new Set<string>();
  /** Assigned jobs by id. */
  readonly #open = new Map<number, Assignment>();
  #ended = false;
  #closing: Promise<void> | undefined;
  /**
   * Whether any job was sent. Until then a host that leaves again, for example because it is unfit
   * for the trial, leaves no trace.
   */
  #hasBegun = false;
  #onHostsChange: () => void = () => undefined;

  /**
   * @throws UserError if it cannot listen there, the trial is too long, or other machines could
   * join without a token or TLS
   */
  static async listen(options: SocketPoolOptions): Promise<SocketPool> {
    const { host = "127.0.0.1", port = 0, log = () => undefined, tls } = options;
    checkExposure(host, options, log);
    const trialBytes = Buffer.byteLength(options.trialJson);
    if (trialBytes > maxTrialBytes) {
      throw new UserError(
        `the trial takes ${trialBytes} bytes as JSON, and a joining host is sent at most ${maxTrialBytes}: ` +
          "let the task read what is long from a file, and name that in its options",
      );
    }
    const { chunkBytes, maxMessageBytes } = { ...defaultLimits, ...options };
    const logRefusal = createLimitedLog(log);
    const {
      page,
      server = createServer(page ? () => undefined : answerNotFound, tls, logRefusal),
    } = options;
    const listener = await listen(host, port, chunkBytes, server, page);
    return new SocketPool(options, { chunkBytes, maxMessageBytes }, listener, logRefusal);
  }

  private constructor(
    options: SocketPoolOptions,
    limits: Limits,
    listener: Listener,
    logRefusal: LogLine,
  ) {
    this.#options = options;
    this.#limits = limits;
    this.#listener = listener;
    this.url = listener.url;
    this.pageOrigin = listener.pageOrigin;
    this.#tokens = new TokenCheck(options.tokens ?? { secret: "" }, options.clientIds.length);
    const { backend, plugins = [], contaminations = [] } = options;
    this.#joinPolicy = new JoinPolicy(this.#tokens, backend, plugins, contaminations);
    this.#registry = new HostRegistry(options.clientIds, options.external);
    this.#hosts = new HostList(this.#registry);
    this.#logRefusal = logRefusal;
    listener.io.on("connection", (socket) => {
      this.#connect(socket);
    });
  }

  /** The backend that the hosts use; undefined until the first one has joined. */
  get backend(): string | undefined {
    return this.#joinPolicy.backend(this.#registry.kinds);
  }

  /**
   * Releases other than the coordinator's that simulated clients: their numbers may differ, so the
   * run may not repeat.
   */
  get otherReleases(): readonly string[] {
    return [...this.#otherReleases].sort();
  }

  /** The number of hosts that have joined, and of clients for which the ready ones have room. */
  get joined(): { readonly hosts: number; readonly clients: number } {
    const { sessions, unplacedClients } = this.#registry;
    return {
      hosts: sessions.length,
      clients: this.#options.clientIds.length - unplacedClients.length,
    };
  }

  /**
   * The hosts that have joined and those that were lost, in the order in which they first joined.
   */
  get hosts(): readonly HostStatus[] {
    const openJobs = new Map<HostSession, number>();
    for (const { session } of this.#open.values())
      openJobs.set(session, (openJobs.get(session) ?? 0) + 1);
    return this.#hosts.list(openJobs);
  }

  /**
   * @throws UserError (exit code 3) if `signal` times out before the joined hosts can hold all
   * clients
   */
  async ready(signal: AbortSignal): Promise<void> {
    const wake = () => {
      this.#onHostsChange();
    };
    signal.addEventListener("abort", wake);
    try {
      while (this.#registry.unplacedClients.length > 0) {
        if (signal.aborted) throw this.#notReady(signal.reason);
        if (this.#ended) throw new Error("the pool was closed before its clients could be reached");
        await new Promise<void>((resolve) => (this.#onHostsChange = resolve));
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
      this.#cutSilentHosts(parts, open);
    }
  }

  /**
   * Tells the hosts that the trial is over, and stops listening. A second call waits for the first.
   * @param reason a sentence for people
   * @param exitCode the exit code of the hosts
   */
  close(reason = "the trial is over", exitCode: number = exitCodes.ok): Promise<void> {
    return (this.#closing ??= this.#close(reason, exitCode));
  }

  async #close(reason: string, exitCode: number): Promise<void> {
    this.#ended = true;
    for (const { open } of this.#open.values()) open.close();
    this.#open.clear();
    this.#onHostsChange();
    const bytes = encodeCoordinatorMessage({ type: "trialEnd", reason, exitCode });
    const farewells = Promise.all(
      this.#registry.sessions.map(({ channel }) => channel.send(bytes)),
    );
    const waiting = new AbortController();
    const timeout = delay(farewellTimeout, undefined, { signal: waiting.signal });
    await Promise.race([farewells, timeout.catch(() => undefined)]);
    waiting.abort();
    await this.#listener.close();
  }

  #notReady(reason: unknown): unknown {
    if (!(reason instanceof DOMException && reason.name === "TimeoutError")) return reason;
    return new UserError(explainNotReady(this.#registry, this.url), exitCodes.quorum);
  }

  #distribute(open: OpenJobs): Parts {
    for (const session of this.#registry.sessions) {
      if (session.claims && this.#tokens.isRevoked(session.claims) === true) {
        this.#dismiss(session, "its token was revoked");
      }
    }
    const jobs = [...open.jobs.values()];
    const hosts = this.#registry.assign(jobs.map(({ clientId }) => clientId));
    const parts = new Map<HostSession, Job[]>();
    for (const job of jobs) {
      const session = hosts.get(job.clientId);
      if (!session) {
        open.fail(job, { code: "HOST_LOST", message: "no joined host has room for the client" });
        continue;
      }
      this.#open.set(job.id, { open, session });
      const part = parts.get(session) ?? [];
      part.push(job);
      parts.set(session, part);
    }
    for (const [session, part] of parts) session.enqueue(open, part);
    return parts;
  }

  /**
   * Cuts off hosts that left several calls unanswered: their clients go to others, and they may
   * join again.
   */
  #cutSilentHosts(parts: Parts, open: OpenJobs): void {
    for (const [session, jobs] of parts) {
      session.silentCalls = jobs.some((job) => open.isAnswered(job)) ? 0 : session.silentCalls + 1;
      if (session.silentCalls < maxSilentCalls || this.#ended) continue;
      this.#options.log?.(
        `a host answered nothing in ${maxSilentCalls} rounds: it is cut off`,
        "warn",
      );
      session.channel.close();
    }
  }

  #connect(socket: HostSocket): void {
    let session: HostSession | undefined;
    let isRefused = false;
    const channel = new Channel(
      {
        emit: (event, bytes, reply) => socket.emit(event, bytes, reply),
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
          return refuse({ code: "NOT_JOINED", message: "expected a Join first" });
        }
        const decision = this.#decide(message);
        if ("refusal" in decision) return this.#refuse(message, decision, socket);
        const reply = this.#welcome(message, decision);
        this.#listener.guard.markJoined(socket.request.socket);
        channel.applyLimits(reply);
        session = new HostSession(channel, message, this.#bases, decision.claims);
        this.#registry.add(session);
        this.#hosts.joined(session, message.softwareVersion, socket.handshake.address);
        this.#hosts.measureLag(session, socket.conn);
        return reply;
      },
      this.#semaphore,
    );
    // Any other event is answered like a malformed frame.
    socket.onAny((event: string, ...args: unknown[]) => {
      if (isRefused) return;
      const answer = channel.receive(event, args);
      // A connection that is refused before it has joined is closed; its answer is still sent.
      isRefused = answer.type === "failure" && !session;
      if (isRefused) socket.conn.close();
    });
    socket.on("disconnect", (reason) => {
      channel.disconnected();
      if (session) this.#lose(session, reason);
    });
  }

  #decide(join: Join): JoinDecision {
    if (this.#ended) return { refusal: { code: "TRIAL_ENDED", message: "the trial is over" } };
    const decision = this.#joinPolicy.decide(join);
    if ("refusal" in decision || !decision.claims) return decision;
    const { host, id } = decision.claims;
    const present = this.#registry.findByName(host);
    if (!present || present.claims?.id === id) return decision;
    const message = `host '${host}' is here, with another token: stop it first; a broken connection is noticed within a minute`;
    return { refusal: { code: "BAD_TOKEN", message } };
  }

  #refuse(join: Join, { refusal, isGuess }: Refusal, socket: HostSocket): Reply {
    if (isGuess) this.#listener.guard.countWrongToken(socket.request.socket);
    this.#logRefusal(`refused a ${formatHost(join)}: ${refusal.code}: ${refusal.message}`, "warn");
    return refuse(refusal);
  }

  /**
   * Welcomes a host. If it was joined before, its connection broke, even if that was not noticed
   * here, so the old session is dismissed.
   */
  #welcome(
    join: Join,
    { claims, backend }: Exclude<JoinDecision, Refusal>,
  ): Extract<Reply, { type: "welcome" }> {
    const before = claims && this.#registry.findByName(claims.host);
    if (before) this.#dismiss(before, "a host with the same token took its place");
    const { log, trialJson, softwareVersion = "" } = this.#options;
    log?.(`a ${formatHost(join, claims)} joined`, "info");
    if (softwareVersion !== "" && !join.external && join.softwareVersion !== softwareVersion) {
      this.#otherReleases.add(join.softwareVersion);
      log?.(
        `a host has release ${join.softwareVersion}, and this coordinator ${softwareVersion}: its numbers may differ; install the same release on both`,
        "warn",
      );
    }
    return { type: "welcome", trialJson, backend, softwareVersion, ...this.#limits };
  }

  /** Removes a host from the pool and tells it why. */
  #dismiss(session: HostSession, why: string): void {
    this.#lose(session, why);
    void session.dismiss(`this host is not wanted any more: ${why}`);
  }

  #handle(session: HostSession, message: HostMessage): Reply {
    switch (message.type) {
      case "join":
        return refuse({ code: "DUPLICATE", message: "this host has joined already" });
      case "ready":
        session.ready = true;
        this.#onHostsChange();
        return accepted;
      default:
        return this.#recordResult(session, message);
    }
  }

  #recordResult(
    session: HostSession,
    message: Extract<HostMessage, { readonly clientId: string }>,
  ): Reply {
    const { jobId, clientId } = message;
    const { open, session: holder } = this.#open.get(jobId) ?? {};
    const job = open?.jobs.get(jobId);
    if (!open || !job) {
      return refuse({ code: "STALE_ROUND", message: `job ${jobId} is not open` });
    }
    if (job.clientId !== clientId || holder !== session) {
      const message = `client '${clientId}' of job ${jobId} is not this host's`;
      return refuse({ code: "UNKNOWN_CLIENT", message });
    }
    const refusal =
      message.type === "clientUpdate"
        ? this.#recordUpdate(open, job, message)
        : open.fail(job, message.failure);
    return refusal ? refuse(refusal) : accepted;
  }

  #recordUpdate(
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
    if (!this.#registry.has(session)) return; // it was dismissed
    const clients = this.#registry.remove(session);
    this.#hosts.lost(session, reason);
    const { external } = session;
    const isLast = this.#registry.sessions.every((other) => other.external !== external);
    if (!this.#hasBegun && isLast) this.#joinPolicy.freeBackend(external);
    const host = session.claims ? ` '${session.claims.host}'` : "";
    const line = `lost a host${host} with ${clients} clients: ${reason}`;
    if (!this.#ended) this.#options.log?.(line, "warn"); // hosts leave when the trial is over
    for (const [id, { open, session: holder }] of this.#open) {
      const job = open.jobs.get(id);
      if (!job || holder !== session) continue;
      open.fail(job, { code: "HOST_LOST", message: `the client's host left: ${reason}` });
    }
  }
}

/** Describes a host for the log. */
function formatHost(
  { backends, capacity, external, softwareVersion }: Join,
  claims?: TokenClaims,
): string {
  const name = claims ? `host '${claims.host}'` : "host";
  return printable(
    `${name} (${backends.join(" or ")}, room for ${capacity} ${capacity === 1 ? "client" : "clients"}${external ? " of its own" : ""}, version ${softwareVersion})`,
    maxHostText,
  );
}
