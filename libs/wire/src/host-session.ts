import type { Params } from "@fedclair/core";
import {
  termBytes,
  derivationOf,
  exitCodes,
  payloadBytes,
  type Job,
} from "@fedclair/core/internal";
import type { Bases } from "./bases.js";
import { encodeCoordinatorMessage, type CoordinatorMessage } from "./codec/coordinator-message.js";
import type { Join } from "./codec/host-message.js";
import type { Reply } from "./codec/reply.js";
import type { OpenJobs } from "./open-jobs.js";
import type { Peer } from "./peer.js";
import type { TokenClaims } from "./signed-token.js";
import { failureOf } from "./wire-error.js";

/**
 * Jobs at a host at a time: those that it may work on together, and as many to go on with. Jobs with large params of their own are
 * fewer: one that it works on and two to go on with, so that few clients' params are under way.
 */
export const jobWindow = { small: 32, large: 3 };
/** Bytes of a job's own params from which on they are large. */
const largeJobBytes = 2 ** 16;

/** Bytes of bases that no job waits for, and that a host keeps all the same: clients come again, and some have bases of their own. */
const idleBytes = 2 ** 25;
/** What a base takes beside its numbers. */
const overheadBytes = 2 ** 10;

/** Params that jobs of the host stand on. */
interface Base {
  readonly id: number;
  readonly bytes: number;
  /** Jobs, and bases that come from it, that are yet to be sent. */
  waiting: number;
  /** Clients whose last job stood on it. */
  clients: number;
  /** What the host says to it, and for which call it was sent; undefined until it is. */
  sent: { readonly reply: Promise<Reply>; readonly closed: AbortSignal } | undefined;
}

/** Has a job much of its own to bring? A base that many share is brought once. */
function areLarge(jobs: readonly Job[]): boolean {
  const bases = new Set(jobs.map(({ params }) => params.base));
  return (
    jobs.some(({ params }) => termBytes(params) >= largeJobBytes) ||
    (bases.size > jobWindow.large &&
      [...bases].some((base) => payloadBytes(base.values()) >= largeJobBytes))
  );
}

/** A joined client host, as the coordinator sees it: is sent its jobs, and before them the bases that they stand on. */
export class HostSession {
  readonly peer: Peer;
  readonly capacity: number;
  /** Does it bring clients of its own, and simulate none? */
  readonly external: boolean;
  /** What it is known by when it comes again: the name that its token gives it, or what it says itself; empty if it is not. */
  readonly origin: string;
  /** What its token says, if it is a signed one. */
  readonly claims: TokenClaims | undefined;
  /** Has prepared the trial, and may be given clients. */
  ready = false;
  /** Calls of `ask` in a row that it let pass without an answer. */
  silentCalls = 0;
  readonly #numbers: Bases;
  /** Params that the trial has done with are not kept for it. */
  readonly #bases = new WeakMap<Params, Base>();
  /** At the host, though no job waits for them; the last to be asked for last. */
  readonly #idle = new Set<Base>();
  #idleBytes = 0;
  readonly #lastBases = new Map<string, Base>();
  readonly #queue: { readonly open: OpenJobs; readonly job: Job }[] = [];
  #feeding = 0;

  constructor(
    peer: Peer,
    { capacity, external, instance }: Pick<Join, "capacity" | "external" | "instance">,
    bases: Bases,
    claims?: TokenClaims,
  ) {
    this.peer = peer;
    this.capacity = capacity;
    this.external = external;
    this.claims = claims;
    this.origin = claims ? `host ${claims.host}` : instance;
    this.#numbers = bases;
  }

  /** The clients that it may be given, as `Place` says. */
  get clients(): TokenClaims["clients"] {
    return this.claims?.clients;
  }

  /** Tells the host that it is over for it, and cuts the connection. Never rejects. */
  async dismiss(reason: string): Promise<void> {
    await this.#send({ type: "trialEnd", reason, exitCode: exitCodes.usage });
    this.peer.close();
  }

  /** Brings jobs to the host, a window at a time. What cannot be delivered is the client's failure. */
  give(open: OpenJobs, jobs: readonly Job[]): void {
    for (const job of jobs) {
      this.#queue.push({ open, job });
      this.#ask(this.#baseOf(job));
    }
    const most = areLarge(jobs) ? jobWindow.large : jobWindow.small;
    for (let free = most - this.#feeding; free > 0; free--) void this.#feed();
  }

  /** Never rejects. */
  async #feed(): Promise<void> {
    this.#feeding++;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      const { open, job } = next;
      const delivered = open.awaits(job) && (await this.#deliver(open, job));
      this.#leave(job);
      if (!delivered) continue;
      await open.over(job);
      if (!open.isAnswered(job)) await this.#send({ type: "jobEnd", id: job.id });
    }
    this.#feeding--;
  }

  /** @returns whether the host has the job */
  async #deliver(open: OpenJobs, job: Job): Promise<boolean> {
    try {
      let reply = await this.#bring(job, open.closed);
      if (reply.type !== "failure") {
        const message = { ...job, baseId: this.#baseOf(job).id, rounds: job.params.rounds };
        reply = await this.#send({ type: "clientJob", ...message }, open.closed);
      }
      if (reply.type !== "failure") return true;
      open.fail(job, reply.failure);
    } catch (error) {
      open.fail(job, failureOf(error, "MALFORMED")); // it cannot be encoded
    }
    return false;
  }

  /** Sends the job's base, unless the host has it or it is under way. @throws WireError if it cannot be encoded */
  async #bring(job: Job, closed: AbortSignal): Promise<Reply> {
    const base = this.#baseOf(job);
    for (;;) {
      const sent = (base.sent ??= this.#sendBase(job.params.base, closed));
      const reply = await sent.reply;
      const givenUp = reply.type === "failure" && sent.closed.aborted;
      if (!givenUp) return reply;
      if (base.sent === sent) base.sent = undefined;
      if (closed.aborted) return reply;
      // It was given up with the call that it was sent for, while this one is open.
    }
  }

  /** As what was added to another base, where the host has that. */
  #sendBase(params: Params, closed: AbortSignal) {
    const derivation = this.external ? undefined : derivationOf(params);
    const from = derivation && this.#bases.get(derivation.from);
    const known = from?.sent && { base: from, reply: from.sent.reply };
    // It must not be forgotten meanwhile.
    if (known) this.#ask(known.base);
    const bring = async () => {
      const reply = await known?.reply.catch(() => undefined);
      const since = performance.now();
      const bytes =
        derivation && reply?.type === "accepted"
          ? this.#numbers.encodeDerived(params, derivation)
          : await this.#numbers.encode(params);
      this.peer.traffic.encodedSince(since);
      return await this.peer.send(bytes, closed);
    };
    const reply = bring().finally(() => {
      if (known) this.#release(known.base);
    });
    return { reply, closed };
  }

  #baseOf({ params }: Job): Base {
    const known = this.#bases.get(params.base);
    if (known) return known;
    const bytes = payloadBytes(params.base.values()) + overheadBytes;
    const id = this.#numbers.idOf(params.base);
    const base = { id, bytes, waiting: 0, clients: 0, sent: undefined };
    this.#bases.set(params.base, base);
    return base;
  }

  /** The job is at the host, which knows by itself what it stands on, or will not be sent. */
  #leave(job: Job): void {
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

  #ask(base: Base): void {
    base.waiting++;
    this.#wake(base);
  }

  #release(base: Base): void {
    base.waiting--;
    if (base.waiting > 0 || !base.sent) return;
    this.#keep(base);
    if (base.clients === 0) this.#forget(base);
  }

  /** Beyond their bytes those are forgotten that were asked for longest ago, but not the last one: the next round is likely to ask for it. */
  #keep(base: Base): void {
    this.#idle.add(base);
    this.#idleBytes += base.bytes;
    for (const oldest of this.#idle) {
      if (this.#idleBytes <= idleBytes || oldest === base) return;
      this.#forget(oldest);
    }
  }

  /** Nothing, if jobs wait for it. */
  #forget(base: Base): void {
    if (!this.#wake(base)) return;
    base.sent = undefined;
    void this.#send({ type: "forgetBase", id: base.id });
  }

  /** @returns whether it was idle */
  #wake(base: Base): boolean {
    const wasIdle = this.#idle.delete(base);
    if (wasIdle) this.#idleBytes -= base.bytes;
    return wasIdle;
  }

  /** @throws WireError if the message cannot be encoded */
  async #send(message: CoordinatorMessage, signal?: AbortSignal): Promise<Reply> {
    const since = performance.now();
    const bytes = encodeCoordinatorMessage(message);
    this.peer.traffic.encodedSince(since);
    return await this.peer.send(bytes, signal);
  }
}
