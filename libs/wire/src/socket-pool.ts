import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import {
  exitCodes,
  type Admit,
  type Answer,
  type ClientPool,
  type HostStatus,
  type Job,
} from "@fedclair/core/internal";
import type { HostSession } from "./assign/host-session.js";
import { OpenJobs } from "./assign/open-jobs.js";
import { explainNotReady } from "./assign/why-not-ready.js";
import { encodeCoordinatorMessage } from "./codec/coordinator-message.js";
import { defaultLimits, maxTrialBytes } from "./codec/protocol.js";
import { HostConnections } from "./host-connections.js";
import { checkExposure } from "./join/exposure.js";
import { createLimitedLog } from "./join/limited-log.js";
import { answerNotFound, listen, type Listener } from "./join/listen.js";
import { createServer } from "./join/tls.js";
import type { Traffic } from "./send/traffic.js";
import type { SocketPoolOptions } from "./socket-pool-options.js";

/** Number of consecutive calls of `ask` that a host may leave unanswered before it is cut off. */
const maxSilentCalls = 2;

/** The jobs of one call, by host. */
type Parts = ReadonlyMap<HostSession, readonly Job[]>;

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
  readonly traffic: Traffic;
  readonly #listener: Listener;
  readonly #hosts: HostConnections;
  #closing: Promise<void> | undefined;

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
    const listener = await listen(host, port, chunkBytes, server, page, logRefusal);
    const limits = { chunkBytes, maxMessageBytes };
    return new SocketPool(listener, new HostConnections(options, limits, listener, logRefusal));
  }

  private constructor(listener: Listener, hosts: HostConnections) {
    this.#listener = listener;
    this.#hosts = hosts;
    this.url = listener.url;
    this.pageOrigin = listener.pageOrigin;
    this.traffic = hosts.traffic;
  }

  /** The backend that the hosts use; undefined until the first one has joined. */
  get backend(): string | undefined {
    return this.#hosts.backend;
  }

  /**
   * Releases other than the coordinator's that simulated clients: their numbers may differ, so the
   * run may not repeat.
   */
  get otherReleases(): readonly string[] {
    return this.#hosts.log.otherReleases;
  }

  /** The number of hosts that have joined, and of clients for which the ready ones have room. */
  get joined(): { readonly hosts: number; readonly clients: number } {
    const { sessions, unplacedClients, clientIds } = this.#hosts.registry;
    return { hosts: sessions.length, clients: clientIds.length - unplacedClients.length };
  }

  /**
   * The hosts that have joined and those that were lost, in the order in which they first joined.
   */
  get hosts(): readonly HostStatus[] {
    return this.#hosts.list();
  }

  /**
   * @throws UserError (exit code 3) if `signal` times out before the joined hosts can hold all
   * clients
   */
  async ready(signal: AbortSignal): Promise<void> {
    const wake = () => {
      this.#hosts.onReady();
    };
    signal.addEventListener("abort", wake);
    try {
      while (this.#hosts.registry.unplacedClients.length > 0) {
        if (signal.aborted) throw this.#notReady(signal.reason);
        if (this.#hosts.hasEnded)
          throw new Error("the pool was closed before its clients could be reached");
        await new Promise<void>((resolve) => (this.#hosts.onReady = resolve));
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  async *ask(jobs: readonly Job[], admit: Admit, signal: AbortSignal): AsyncIterable<Answer> {
    const open = new OpenJobs(jobs, admit);
    this.#hosts.hasBegun = true;
    let parts: Parts = new Map();
    const close = () => {
      this.#hosts.sent.end(open);
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
    this.#hosts.hasEnded = true;
    this.#hosts.sent.endAll();
    this.#hosts.onReady();
    const bytes = encodeCoordinatorMessage({ type: "trialEnd", reason, exitCode });
    const farewells = Promise.all(
      this.#hosts.registry.sessions.map(({ channel }) => channel.send(bytes)),
    );
    const waiting = new AbortController();
    const timeout = delay(farewellTimeout, undefined, { signal: waiting.signal });
    await Promise.race([farewells, timeout.catch(() => undefined)]);
    waiting.abort();
    await this.#listener.close();
  }

  #notReady(reason: unknown): unknown {
    if (!(reason instanceof DOMException && reason.name === "TimeoutError")) return reason;
    return new UserError(explainNotReady(this.#hosts.registry, this.url), exitCodes.quorum);
  }

  #distribute(open: OpenJobs): Parts {
    this.#hosts.dismissRevoked();
    const jobs = [...open.jobs.values()];
    const hosts = this.#hosts.registry.assign(jobs.map(({ clientId }) => clientId));
    const parts = new Map<HostSession, Job[]>();
    for (const job of jobs) {
      const session = hosts.get(job.clientId);
      if (!session) {
        open.fail(job, { code: "HOST_LOST", message: "no joined host has room for the client" });
        continue;
      }
      this.#hosts.sent.add(open, job, session);
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
      if (session.silentCalls < maxSilentCalls || this.#hosts.hasEnded) continue;
      this.#hosts.log.wasSilent(this.#hosts.describe(session), maxSilentCalls);
      session.channel.close();
    }
  }
}
