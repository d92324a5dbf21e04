import type { HostStatus } from "@fedclair/core/internal";
import { HostList } from "./assign/host-list.js";
import { HostRegistry } from "./assign/host-registry.js";
import { HostSession } from "./assign/host-session.js";
import { SentJobs } from "./assign/sent-jobs.js";
import { decodeHostMessage, type HostMessage, type Join } from "./codec/host-message.js";
import { accepted, refuse, type Limits, type Reply } from "./codec/reply.js";
import { HostLog } from "./join/host-log.js";
import { JoinPolicy, type JoinDecision } from "./join/join-policy.js";
import type { LogLine } from "./join/limited-log.js";
import { connectionOf, type HostSocket, type Listener } from "./join/listen.js";
import { TokenCheck } from "./join/token-check.js";
import { ByteSemaphore } from "./send/byte-semaphore.js";
import { Channel } from "./send/channel.js";
import { SharedBases } from "./send/shared-bases.js";
import { Traffic } from "./send/traffic.js";
import type { SocketPoolOptions } from "./socket-pool-options.js";

/** The hosts of a trial: lets them join, handles their messages, and notices when they are lost. */
export class HostConnections {
  readonly traffic = new Traffic();
  readonly registry: HostRegistry;
  readonly sent = new SentJobs(this.traffic);
  readonly log: HostLog;
  /**
   * Whether any job was sent. Until then a host that leaves again, for example because it is unfit
   * for the trial, leaves no trace.
   */
  hasBegun = false;
  /** Whether the trial is over, so that no host may join. */
  hasEnded = false;
  /** Called when a host gets ready. */
  onReady: () => void = () => undefined;
  readonly #options: SocketPoolOptions;
  readonly #limits: Limits;
  readonly #listener: Listener;
  readonly #tokens: TokenCheck;
  readonly #joinPolicy: JoinPolicy;
  readonly #hosts: HostList;
  readonly #bases = new SharedBases();
  readonly #semaphore = new ByteSemaphore();

  /** @param logRefusal a log that strangers cannot flood */
  constructor(options: SocketPoolOptions, limits: Limits, listener: Listener, logRefusal: LogLine) {
    const { clientIds, external, tokens = { secret: "" }, log = () => undefined } = options;
    this.#options = options;
    this.#limits = limits;
    this.#listener = listener;
    this.#tokens = new TokenCheck(tokens, clientIds.length);
    this.#joinPolicy = new JoinPolicy(this.#tokens, options);
    this.registry = new HostRegistry(clientIds, external);
    this.#hosts = new HostList(this.registry);
    this.log = new HostLog(log, logRefusal, options.softwareVersion ?? "");
    listener.io.on("connection", (socket) => {
      this.#connect(socket);
    });
  }

  /** The backend that the hosts use; undefined until the first one has joined. */
  get backend(): string | undefined {
    return this.#joinPolicy.backend(this.registry.kinds);
  }

  /** The hosts that have joined and those that were lost. */
  list(): readonly HostStatus[] {
    return this.#hosts.list(this.sent.countByHost());
  }

  /** The name and address of a host, for the log. */
  describe(session: HostSession): string {
    return this.#hosts.describe(session);
  }

  /** Removes the hosts whose tokens were revoked. */
  dismissRevoked(): void {
    for (const session of this.registry.sessions) {
      if (session.claims && this.#tokens.isRevoked(session.claims) === true) {
        this.#dismiss(session, "its token was revoked");
      }
    }
  }

  #connect(socket: HostSocket): void {
    let session: HostSession | undefined;
    let isRefused = false;
    const channel = new Channel(
      connectionOf(socket),
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
        if ("refusal" in decision) {
          const { refusal, isGuess } = decision;
          if (isGuess) this.#listener.guard.countWrongToken(socket.request.socket);
          this.log.refused(message, refusal);
          return refuse(refusal);
        }
        const reply = this.#welcome(message, decision);
        this.#listener.guard.markJoined(socket.request.socket);
        channel.applyLimits(reply);
        // A host that claims more would get the clients of the others as well.
        const capacity = Math.min(message.capacity, this.registry.clientIds.length);
        session = new HostSession(channel, { ...message, capacity }, this.#bases, decision.claims);
        this.registry.add(session);
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
    if (this.hasEnded) return { refusal: { code: "TRIAL_ENDED", message: "the trial is over" } };
    return this.#joinPolicy.decide(join, (host) => this.registry.findByName(host)?.claims);
  }

  /**
   * Welcomes a host. If it was joined before, its connection broke, even if that was not noticed
   * here, so the old session is dismissed.
   */
  #welcome(
    join: Join,
    { claims, backend }: Extract<JoinDecision, { readonly backend: string }>,
  ): Extract<Reply, { type: "welcome" }> {
    const before = claims && this.registry.findByName(claims.host);
    if (before) this.#dismiss(before, "a host with the same token took its place");
    this.log.joined(join, claims);
    const { trialJson, softwareVersion = "" } = this.#options;
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
        this.onReady();
        return accepted;
      default:
        return this.sent.record(session, message);
    }
  }

  #lose(session: HostSession, reason: string): void {
    if (!this.registry.has(session)) return; // it was dismissed
    const clients = this.registry.remove(session);
    this.#hosts.lost(session, reason);
    const { external } = session;
    const isLast = this.registry.sessions.every((other) => other.external !== external);
    if (!this.hasBegun && isLast) this.#joinPolicy.freeBackend(external);
    if (!this.hasEnded) this.log.lost(session.claims, clients, reason); // else hosts leave anyway
    this.sent.failAll(session, reason);
  }
}
