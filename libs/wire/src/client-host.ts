import { turnOfEventLoop, UserError, type Update } from "@fedclair/core";
import {
  exitCodes,
  printable,
  type Answer,
  type Failure,
  type PluginIdentity,
} from "@fedclair/core/internal";
import type { ManagerOptions, Socket, SocketOptions } from "socket.io-client";
import { decodeCoordinatorMessage } from "./codec/coordinator-message.js";
import { encodeClientFailed, encodeJoin, encodeReady, encodeUpdate } from "./codec/host-message.js";
import { accepted, type Reply } from "./codec/reply.js";
import { checkCoordinatorUrl } from "./join/coordinator-url.js";
import { JobQueue, type HostWork } from "./assign/job-queue.js";
import { Channel } from "./send/channel.js";
import { maxWordLength, protocolVersion, type Events } from "./codec/protocol.js";
import { Traffic } from "./send/traffic.js";
import { ignoreWallClock } from "./send/wall-clock.js";
import { toFailure } from "./codec/wire-error.js";

/** Options of a client host. `runJobs` must yield to the event loop. */
export interface ClientHostOptions extends HostWork {
  /** The coordinator's address, as https://10.0.0.1:4000. */
  readonly url: string;
  /** The coordinator's join token, if it requires one. */
  readonly token?: string;
  /** Number of virtual clients that this host can hold, at least 1. */
  readonly capacity: number;
  /** Backends that this host can compute with, at least one. */
  readonly backends: readonly string[];
  readonly softwareVersion: string;
  /**
   * Whether the host brings its own clients instead of simulating them. Default: it simulates them.
   */
  readonly external?: boolean;
  /** External plug-ins that this host has loaded. Default: none. */
  readonly plugins?: readonly PluginIdentity[];
  /**
   * Prepares the trial, once; no client is assigned before it resolves.
   * @param trialJson the resolved trial
   * @param backend the one of `backends` to compute with
   */
  readonly onWelcome: (trialJson: string, backend: string) => Promise<void>;
  /** Called when the host ends, to end jobs that still run. Default: they run to their end. */
  readonly stopJobs?: () => Promise<void>;
  /** Called with the coordinator's release if it is another one than `softwareVersion`. */
  readonly onOtherRelease?: (release: string) => void;
  /** Called with a result that the coordinator refused. */
  readonly onRefused?: (clientId: string, failure: Failure) => void;
  /** Called when this host can be given clients, after every join. */
  readonly onJoined?: () => void;
  /** Called with the reason when the connection has broken. */
  readonly onLost?: (why: string) => void;
  /** Called with the reason when there is no coordinator; once, until there is one again. */
  readonly onUnreachable?: (why: string) => void;
  /** Seconds without a coordinator after which the host gives up; default 60. */
  readonly patienceSeconds?: number;
  /** Counts what all connections send and receive. Default: nobody reads it. */
  readonly traffic?: Traffic;
  /** Stops the host. */
  readonly signal?: AbortSignal;
}

/** The reason why a host ended. */
export interface Ending {
  /** A sentence for people. */
  readonly reason: string;
  /** 0, or the exit code of a coordinator whose trial failed. */
  readonly exitCode: number;
}

/** A coordinator's refusal of this host. */
export class RefusedError extends UserError {
  readonly failure: Failure;

  constructor(url: string, failure: Failure) {
    super(`${url}: ${failure.code}: ${failure.message}`);
    this.failure = failure;
  }
}

/** There was no coordinator for too long. */
export class UnreachableError extends UserError {}

/** How a host reaches its coordinator: in Node.js and in a browser differently. */
export interface Transport {
  /** Opens a socket with these settings, which connects at once. */
  open(settings: Partial<ManagerOptions & SocketOptions>): Socket<Events, Events>;
  /**
   * Explains why a connection failed.
   * @returns the reason, and whether it is useless to try again
   */
  explain(error: Error): { readonly why: string; readonly isFinal: boolean };
}

/**
 * Runs a client host over a transport. This module and all that it imports run in a browser too.
 * @returns and throws as `connectHost` does
 */
export async function runClientHost(
  options: ClientHostOptions,
  transport: Transport,
): Promise<Ending> {
  checkCoordinatorUrl(options.url);
  return await new ClientHost(options, transport).ended;
}

class ClientHost {
  readonly ended: Promise<Ending>;
  readonly #options: ClientHostOptions;
  readonly #transport: Transport;
  readonly #instance = createInstanceId();
  readonly #socket: Socket<Events, Events>;
  readonly #jobs: JobQueue;
  readonly #traffic: Traffic;
  #channel: Channel | undefined;
  #welcomed: { readonly trialJson: string; readonly backend: string } | undefined;
  #prepared: Promise<void> | undefined;
  #patience: NodeJS.Timeout | undefined;
  #redial: NodeJS.Timeout | undefined;
  #lastError = "it does not answer";
  #hasReportedUnreachable = false;
  #finish: (ending: Ending) => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(options: ClientHostOptions, transport: Transport) {
    this.#options = options;
    this.#transport = transport;
    this.#traffic = options.traffic ?? new Traffic();
    this.#jobs = new JobQueue(options, (...result) => this.#deliver(...result));
    this.#socket = transport.open({
      forceNew: true, // hosts in one process must not share a connection
      reconnectionDelay,
      reconnectionDelayMax: 5000,
    });
    this.ended = this.#untilEnd();
    this.#startPatience();
    this.#socket.io.on("open", () => {
      ignoreWallClock(this.#socket.io.engine);
    });
    this.#socket.on("connect", () => {
      this.#connect();
    });
    this.#socket.on("connect_error", (error) => {
      this.#unreachable(error);
    });
    this.#socket.on("disconnect", (reason) => {
      this.#disconnect(reason);
    });
    this.#socket.onAny((event: string, ...args: unknown[]) => {
      this.#channel?.receive(event, [toBytes(args[0]), ...args.slice(1)]);
    });
  }

  async #untilEnd(): Promise<Ending> {
    const { signal } = this.#options;
    const stop = () => {
      this.#finish({ reason: "stopped", exitCode: exitCodes.ok });
    };
    try {
      return await new Promise<Ending>((resolve, reject) => {
        this.#finish = resolve;
        this.#fail = reject;
        signal?.addEventListener("abort", stop);
        if (signal?.aborted) stop();
      });
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#jobs.clear();
      clearTimeout(this.#redial);
      this.#socket.disconnect();
      this.#stopPatience();
      await this.#options.stopJobs?.();
      await this.#jobs.idle();
    }
  }

  #connect(): void {
    const socket = this.#socket;
    this.#hasReportedUnreachable = false;
    const channel = new Channel(
      {
        emit: (event, bytes, reply) =>
          socket.emit(event, bytes, (answer) => {
            reply(toBytes(answer));
          }),
        close: () => {
          socket.io.engine.close();
        },
      },
      this.#traffic,
      (bytes) => this.#handle(bytes),
    );
    this.#channel = channel;
    void this.#join(channel).catch(this.#fail);
  }

  async #join(channel: Channel): Promise<void> {
    const { token = "", capacity, backends, softwareVersion } = this.#options;
    const { plugins = [], external = false } = this.#options;
    const about = { capacity, backends, softwareVersion, plugins, external };
    const join = { protocolVersion, token, ...about, instance: this.#instance, contaminations: [] };
    const reply = await channel.send(encodeJoin(join));
    if (reply.type !== "welcome") {
      this.#handleRefusal(reply);
      return;
    }
    this.#stopPatience();
    const { trialJson, backend, chunkBytes, maxMessageBytes } = reply;
    for (const bytes of [chunkBytes, maxMessageBytes])
      if (bytes < 1 || bytes > mostMessageBytes) {
        throw new UserError(
          `the coordinator at ${this.#options.url} asks for frames of ${chunkBytes} and messages of ${maxMessageBytes} bytes: expected 1 to ${mostMessageBytes}`,
        );
      }
    channel.applyLimits(reply);
    this.#jobs.maxMessageBytes = maxMessageBytes;
    if (!backends.includes(backend)) {
      throw new UserError(
        `the coordinator at ${this.#options.url} asks for backend '${printable(backend, maxWordLength)}', and this host has ${backends.join(", ")}: install the same release on both`,
      );
    }
    if (!this.#welcomed && !external && !["", softwareVersion].includes(reply.softwareVersion)) {
      this.#options.onOtherRelease?.(printable(reply.softwareVersion, maxWordLength));
    }
    this.#welcomed ??= { trialJson, backend };
    if (this.#welcomed.trialJson !== trialJson || this.#welcomed.backend !== backend) {
      throw new UserError(
        `the coordinator at ${this.#options.url} now runs another trial, or on another backend: restart this host`,
      );
    }
    this.#prepared ??= this.#options.onWelcome(trialJson, backend);
    await this.#prepared;
    const reaction = await channel.send(encodeReady());
    if (reaction.type === "accepted") this.#options.onJoined?.();
  }

  #handleRefusal(reply: Exclude<Reply, { type: "welcome" }>): void {
    if (reply.type === "accepted") throw new UserError(`${this.#options.url} is no coordinator`);
    const { code, message } = reply.failure;
    if (code === "TRIAL_ENDED") this.#finish({ reason: message, exitCode: exitCodes.ok });
    else if (code !== "HOST_LOST") throw new RefusedError(this.#options.url, reply.failure);
  }

  #handle(bytes: Uint8Array): Reply {
    const message = decodeCoordinatorMessage(bytes);
    if (message.type !== "trialEnd") return this.#jobs.handle(message);
    // Send the reply first.
    void turnOfEventLoop().then(() => {
      // A higher code could end the process as if it were 0.
      this.#finish({ reason: message.reason, exitCode: Math.min(message.exitCode, 255) });
    });
    return accepted;
  }

  async #deliver(answer: Answer, signal: AbortSignal, workSeconds: number): Promise<void> {
    const channel = this.#channel;
    if (!channel) return;
    const failure =
      "failure" in answer
        ? answer.failure
        : await this.#deliverUpdate(channel, answer, signal, workSeconds);
    if (failure) {
      await channel.send(encodeClientFailed(answer.jobId, answer.clientId, failure), signal);
    }
  }

  /**
   * @returns why the coordinator did not receive the update; a refused one it has answered itself
   */
  async #deliverUpdate(
    channel: Channel,
    { jobId, update }: Extract<Answer, { readonly update: Update }>,
    signal: AbortSignal,
    workSeconds: number,
  ): Promise<Failure | undefined> {
    let bytes: Uint8Array;
    try {
      bytes = encodeUpdate(jobId, update, workSeconds);
    } catch (error) {
      return toFailure(error, "CLIENT_ERROR");
    }
    const reply = await channel.send(bytes, signal);
    if (reply.type !== "failure") return undefined;
    this.#options.onRefused?.(update.clientId, reply.failure);
    return reply.failure.code === "OVERSIZE" ? reply.failure : undefined;
  }

  #disconnect(reason: Socket.DisconnectReason): void {
    this.#channel?.disconnected();
    this.#channel = undefined;
    this.#jobs.clear(); // the coordinator counts them as lost
    this.#lastError = reason;
    this.#options.onLost?.(reason);
    this.#startPatience();
    // The only case in which socket.io does not reconnect by itself, after a delay.
    if (reason !== "io server disconnect") return;
    this.#redial = setTimeout(() => this.#socket.connect(), reconnectionDelay);
  }

  #unreachable(error: Error): void {
    const { why, isFinal } = this.#transport.explain(error);
    if (isFinal) this.#fail(new UserError(`${this.#options.url}: ${why}`));
    this.#lastError = why;
    if (!this.#hasReportedUnreachable) this.#options.onUnreachable?.(this.#lastError);
    this.#hasReportedUnreachable = true;
  }

  /** Starts to wait for a Welcome, unless the host waits for one already. */
  #startPatience(): void {
    const { url, patienceSeconds = 60 } = this.#options;
    this.#patience ??= setTimeout(() => {
      const why = `no coordinator at ${url} for ${patienceSeconds} s (${this.#lastError})`;
      this.#fail(new UnreachableError(`${why}: start it, or correct the address`));
    }, patienceSeconds * 1000);
  }

  #stopPatience(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }
}

/** Milliseconds before a reconnection. For other reasons socket.io takes 50 to 150 % of it. */
const reconnectionDelay = 500;

/** The largest message that a trial may allow (`limits.maxMessageBytes`). */
const mostMessageBytes = 2 ** 30;

/** Draws an id of this host, 16 hexadecimal digits. */
function createInstanceId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Browsers deliver binary data as an ArrayBuffer, Node.js as a Buffer. */
function toBytes(data: unknown): unknown {
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
