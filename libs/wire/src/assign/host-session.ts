import {
  deltaBytes,
  termBytes,
  exitCodes,
  payloadBytes,
  type Job,
  type StoredParams,
} from "@fedclair/core/internal";
import type { SharedBases } from "../send/shared-bases.js";
import { encodeCoordinatorMessage, type CoordinatorMessage } from "../codec/coordinator-message.js";
import { checkClientFailure, type Join } from "../codec/host-message.js";
import type { Reply } from "../codec/reply.js";
import type { OpenJobs } from "./open-jobs.js";
import type { Channel } from "../send/channel.js";
import type { TokenClaims } from "../join/signed-token.js";
import { toFailure } from "../codec/wire-error.js";

/**
 * Maximum number of jobs at a host at a time. The small window holds the jobs that it may run
 * together and as many more to continue with. The window for jobs with large params of their own
 * holds one to run and two to continue with, so that few clients' params are in flight.
 */
export const jobWindow = { small: 32, large: 3 };
/** Size from which a job's own params count as large, in bytes. */
const largeJobBytes = 2 ** 16;

/**
 * Bytes of bases that a host keeps although no job waits for them: clients are sampled again, and
 * some have bases of their own.
 */
const idleBytes = 2 ** 25;
/** Overhead of a base in addition to its numbers, in bytes. */
const overheadBytes = 2 ** 10;

/** Params at the host that jobs build on. */
interface Base {
  readonly id: number;
  readonly bytes: number;
  /** Number of jobs, and of bases derived from this one, that are yet to be sent. */
  waiting: number;
  /** Number of clients whose last job used this base. */
  clients: number;
  /** Undefined until it is sent. */
  sent: SentBase | undefined;
}

interface SentBase {
  readonly reply: Promise<Reply>;
  /**
   * Resolves when jobs on the base may be sent: with the host's reply, or before it if the base
   * travels with them.
   */
  readonly precedes: Promise<Reply | undefined>;
  /** The signal of the call for which the base was sent. */
  readonly closed: AbortSignal;
}

/** Whether the jobs need much data of their own; a base that many share is sent only once. */
function haveLargeParams(jobs: readonly Job[]): boolean {
  const bases = new Set(jobs.map(({ params }) => params.base));
  return (
    jobs.some((job) => ownBytes(job) >= largeJobBytes) ||
    (bases.size > jobWindow.large &&
      [...bases].some((base) => payloadBytes(base.values()) >= largeJobBytes))
  );
}

/** The bytes of a job's terms, control and own params, which no other job shares. */
function ownBytes({ params, candidates, control, personal }: Job): number {
  const { own = [], mean = [], refined = [] } = candidates ?? {};
  const parts = [...own, ...mean, ...refined, control, personal?.own].filter((part) => !!part);
  return parts.reduce((n, term) => n + deltaBytes(term), termBytes(params));
}

/**
 * The coordinator's view of a joined client host: sends it its jobs, and before them the bases that
 * they build on.
 */
export class HostSession {
  readonly channel: Channel;
  readonly capacity: number;
  /** Whether it brings its own clients instead of simulating them. */
  readonly external: boolean;
  /**
   * Identifies the host when it joins again: the name in its token, or else the id that it sends
   * itself; empty if it has neither.
   */
  readonly origin: string;
  /** The claims of its token, if that is a signed one. */
  readonly claims: TokenClaims | undefined;
  /** Whether it has prepared the trial and can be given clients. */
  ready = false;
  /** Number of consecutive calls of `ask` in which it answered nothing. */
  silentCalls = 0;
  readonly #sharedBases: SharedBases;
  /** Bases by their params. A WeakMap, so that params which the trial no longer uses are freed. */
  readonly #bases = new WeakMap<StoredParams, Base>();
  /** Bases at the host that no job waits for; the most recently used comes last. */
  readonly #idle = new Set<Base>();
  #idleBytes = 0;
  readonly #lastBases = new Map<string, Base>();
  readonly #queue: { readonly open: OpenJobs; readonly job: Job }[] = [];
  #feeders = 0;

  constructor(
    channel: Channel,
    { capacity, external, instance }: Pick<Join, "capacity" | "external" | "instance">,
    bases: SharedBases,
    claims?: TokenClaims,
  ) {
    this.channel = channel;
    this.capacity = capacity;
    this.external = external;
    this.claims = claims;
    this.origin = claims ? `host ${claims.host}` : instance;
    this.#sharedBases = bases;
  }

  /** The clients that it may hold, as in `Place`. */
  get clients(): TokenClaims["clients"] {
    return this.claims?.clients;
  }

  /** Tells the host that the trial is over for it, and closes the connection. Never rejects. */
  async dismiss(reason: string): Promise<void> {
    await this.#send({ type: "trialEnd", reason, exitCode: exitCodes.usage });
    this.channel.close();
  }

  /** Sends jobs to the host, a window at a time. If a job cannot be delivered, its client fails. */
  enqueue(open: OpenJobs, jobs: readonly Job[]): void {
    for (const job of jobs) {
      this.#queue.push({ open, job });
      this.#reserve(this.#baseOf(job));
    }
    const window = haveLargeParams(jobs) ? jobWindow.large : jobWindow.small;
    for (let free = window - this.#feeders; free > 0; free--) void this.#feed();
  }

  /** Sends queued jobs until none is left. Never rejects. */
  async #feed(): Promise<void> {
    this.#feeders++;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      const { open, job } = next;
      const delivered = open.awaits(job) && (await this.#deliver(open, job));
      this.#settleBase(job);
      if (!delivered) continue;
      await open.over(job);
      if (!open.isAnswered(job)) await this.#send({ type: "jobEnd", id: job.id });
    }
    this.#feeders--;
  }

  /** @returns whether the host has the job */
  async #deliver(open: OpenJobs, job: Job): Promise<boolean> {
    try {
      const reply = await this.#sendJob(job, open.closed);
      if (reply.type !== "failure") return true;
      const { failure } = reply;
      open.fail(job, failure.code === "HOST_LOST" ? failure : checkClientFailure(failure));
    } catch (error) {
      // It cannot be encoded, or the host refuses it with a code that hides that it was lost.
      open.fail(job, toFailure(error, "MALFORMED"));
    }
    return false;
  }

  /**
   * Sends a job, and before it its base, unless the host has that or it is in flight.
   * @throws WireError if one of them cannot be encoded
   */
  async #sendJob(job: Job, closed: AbortSignal): Promise<Reply> {
    const base = this.#baseOf(job);
    for (;;) {
      const sent = (base.sent ??= this.#sendBase(job, closed));
      const message = { ...job, baseId: base.id, rounds: job.params.rounds };
      const bytes = this.#encode({ type: "clientJob", ...message });
      // A large job could overtake a small base.
      const first = await (this.channel.sendsTogether(bytes) ? sent.precedes : sent.reply);
      const jobReply = first?.type === "failure" ? first : this.channel.send(bytes, closed);
      const [baseReply] = await Promise.all([sent.reply, jobReply]);
      if (baseReply.type !== "failure") return await jobReply;
      if (!sent.closed.aborted) return baseReply;
      if (base.sent === sent) base.sent = undefined;
      if (closed.aborted) return baseReply;
      // It was abandoned together with the call for which it was sent, but this call is still open.
    }
  }

  /**
   * Sends a base: as the difference from another base if the host has that one, otherwise in full.
   */
  #sendBase({ params: { base: params }, derivation }: Job, closed: AbortSignal): SentBase {
    const from = this.external ? undefined : derivation?.from.deref();
    const other = from && this.#bases.get(from);
    const source = other?.sent && { base: other, reply: other.sent.reply };
    // The other base must not be forgotten meanwhile.
    if (source) this.#reserve(source.base);
    let letGo: () => void = () => undefined;
    const travels = new Promise<undefined>((resolve) => {
      letGo = () => {
        resolve(undefined);
      };
    });
    const post = (message: Uint8Array) => {
      const reply = this.channel.send(message, closed);
      if (this.channel.sendsTogether(message)) letGo();
      return reply;
    };
    const send = async () => {
      const reply = await source?.reply.catch(() => undefined);
      if (!from || !derivation || reply?.type !== "accepted") {
        return await this.#sharedBases.use(params, ({ message, ms }) => {
          this.channel.traffic.encodedSince(performance.now() - ms);
          return post(message);
        });
      }
      const since = performance.now();
      const message = this.#sharedBases.encodeDerived(params, from, derivation.terms);
      this.channel.traffic.encodedSince(since);
      return await post(message);
    };
    const reply = send().finally(() => {
      if (source) this.#release(source.base);
    });
    return { reply, precedes: Promise.race([travels, reply]), closed };
  }

  #baseOf({ params }: Job): Base {
    const existing = this.#bases.get(params.base);
    if (existing) return existing;
    const bytes = payloadBytes(params.base.values()) + overheadBytes;
    const id = this.#sharedBases.idOf(params.base);
    const base = { id, bytes, waiting: 0, clients: 0, sent: undefined };
    this.#bases.set(params.base, base);
    return base;
  }

  /** Updates the counts of the job's base once the job is at the host or will not be sent. */
  #settleBase(job: Job): void {
    const base = this.#baseOf(job);
    const last = this.#lastBases.get(job.clientId);
    if (base.sent) {
      base.clients++;
      if (last) last.clients--;
      this.#lastBases.set(job.clientId, base);
    }
    this.#release(base);
    if (last?.clients === 0) this.#forget(last);
  }

  #reserve(base: Base): void {
    base.waiting++;
    this.#removeIdle(base);
  }

  #release(base: Base): void {
    base.waiting--;
    if (base.waiting > 0 || !base.sent) return;
    this.#addIdle(base);
    if (base.clients === 0) this.#forget(base);
  }

  /**
   * Keeps a base that no job waits for. Above the byte limit the least recently used ones are
   * forgotten, but never this one, because the next round is likely to need it.
   */
  #addIdle(base: Base): void {
    this.#idle.add(base);
    this.#idleBytes += base.bytes;
    for (const oldest of this.#idle) {
      if (this.#idleBytes <= idleBytes || oldest === base) return;
      this.#forget(oldest);
    }
  }

  /** Makes the host forget a base; does nothing if jobs wait for it. */
  #forget(base: Base): void {
    if (!this.#removeIdle(base)) return;
    base.sent = undefined;
    void this.#send({ type: "forgetBase", id: base.id });
  }

  /** @returns whether it was idle */
  #removeIdle(base: Base): boolean {
    const wasIdle = this.#idle.delete(base);
    if (wasIdle) this.#idleBytes -= base.bytes;
    return wasIdle;
  }

  async #send(message: CoordinatorMessage): Promise<Reply> {
    return await this.channel.send(this.#encode(message));
  }

  /** @throws WireError if the message cannot be encoded */
  #encode(message: CoordinatorMessage): Uint8Array {
    const since = performance.now();
    const bytes = encodeCoordinatorMessage(message);
    this.channel.traffic.encodedSince(since);
    return bytes;
  }
}
