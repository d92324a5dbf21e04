import { addTerms, type Params } from "@fedclair/core";
import {
  deltaBytes,
  nextGroup,
  payloadBytes,
  type Answer,
  type ClientJob,
} from "@fedclair/core/internal";
import type { CoordinatorMessage, DerivedBase, JobOnBase } from "../codec/coordinator-message.js";
import { defaultLimits } from "../codec/protocol.js";
import { accepted, refuse, type Reply } from "../codec/reply.js";
import { checkTerms } from "./check-terms.js";
import { toFailure } from "../codec/wire-error.js";

/** @param workSeconds seconds that the job took */
type Deliver = (answer: Answer, signal: AbortSignal, workSeconds: number) => Promise<void>;

/**
 * Number of results sent at a time. Large results, which are as large as the params, are sent one
 * at a time.
 */
const maxInFlight = 16;
const largeBytes = 2 ** 16;

function isLarge(answer: Answer): boolean {
  return "update" in answer && deltaBytes(answer.update.delta) >= largeBytes;
}

/**
 * The most that a coordinator may leave at a host: unanswered jobs (it sends 32 at a time), and the
 * bytes of bases: four of the largest, and small ones.
 */
const mostJobs = 64;
const mostBases = 4;
const smallBaseBytes = 2 ** 26;

/** Bytes of a base beside its numbers. */
const overheadBytes = 2 ** 10;

/** The work of a host. */
export interface HostWork {
  /**
   * Runs jobs of the same round and phase, or a single job that does not train.
   * @returns the answers in the order of the jobs
   */
  readonly runJobs: (jobs: readonly ClientJob[]) => Promise<readonly Answer[]>;
  /** The maximum number of jobs in the next group, read before each group. Default: 1. */
  readonly jobsAtOnce?: () => number;
  /** The number of calls of `runJobs` to make in advance. Default: 1, one after another. */
  readonly callsAhead?: () => number;
}

/** A group of jobs that runs. */
interface Running {
  readonly jobs: number;
  readonly startedAt: number;
  readonly answers: Promise<readonly Answer[]>;
}

/** Params that jobs build on. */
interface Base {
  /** Params with the same shapes, available before `params` is computed. */
  like: Params;
  params: Params | Promise<Params>;
  readonly bytes: number;
}

/**
 * The jobs of a host: runs them group by group, in order, and delivers the results while the next
 * group is computed.
 */
export class JobQueue {
  readonly #work: HostWork;
  readonly #deliver: Deliver;
  /** The largest message that the coordinator sends, in bytes. */
  maxMessageBytes = defaultLimits.maxMessageBytes;
  readonly #bases = new Map<number, Base>();
  #baseBytes = 0;
  /** Jobs that have not started. */
  #jobs: ClientJob[] = [];
  /**
   * One controller per job whose answer is wanted and not yet delivered; it aborts when the answer
   * is no longer wanted.
   */
  readonly #wanted = new Map<number, AbortController>();
  #running: Promise<void> | undefined;

  /** @param deliver must not reject, and must stop when the signal aborts */
  constructor(work: HostWork, deliver: Deliver) {
    this.#work = work;
    this.#deliver = deliver;
  }

  /** @throws WireError for a job that does not fit its base */
  handle(message: Exclude<CoordinatorMessage, { readonly type: "trialEnd" }>): Reply {
    switch (message.type) {
      case "base":
        return this.#keep(message.id, createBase(message.params));
      case "derivedBase":
        return this.#derive(message);
      case "forgetBase":
        this.#forget(message.id);
        return accepted;
      case "clientJob":
        return this.#add(message);
      case "jobEnd":
        this.#drop(message.id);
        return accepted;
    }
  }

  /**
   * Forgets every base and every job that has not started; the result of the running job is dropped
   * too.
   */
  clear(): void {
    for (const id of this.#wanted.keys()) this.#drop(id);
    this.#bases.clear();
    this.#baseBytes = 0;
  }

  /** Resolves when nothing is running. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Keeps a base, if there is room for it. */
  #keep(id: number, base: Base): Reply {
    this.#forget(id);
    const all = this.#baseBytes + base.bytes;
    const most = mostBases * this.maxMessageBytes + smallBaseBytes;
    if (all > most) {
      const message = `bases of ${all} bytes: at most ${most} are kept`;
      return refuse({ code: "OVERSIZE", message });
    }
    this.#bases.set(id, base);
    this.#baseBytes = all;
    return accepted;
  }

  #forget(id: number): void {
    this.#baseBytes -= this.#bases.get(id)?.bytes ?? 0;
    this.#bases.delete(id);
  }

  /** Computes a base from another one. Jobs on it wait until it is ready. */
  #derive({ id, from, terms }: DerivedBase): Reply {
    const before = this.#bases.get(from);
    if (!before) return refuseUnknownBase(from);
    checkTerms({ base: before.like, rounds: [terms] });
    const sum = Promise.resolve(before.params).then((params) => addTerms(params, terms));
    const base = createBase(before.like, sum);
    const reply = this.#keep(id, base);
    const store = (params: Params) => (base.like = base.params = params);
    sum.then(store, () => undefined); // its jobs report the error
    return reply;
  }

  #add({ baseId, rounds, ...message }: JobOnBase): Reply {
    const base = this.#bases.get(baseId);
    if (!base) return refuseUnknownBase(baseId);
    if (this.#wanted.size >= mostJobs) {
      const text = `more than ${mostJobs} jobs that are not answered`;
      return refuse({ code: "OVERSIZE", message: text });
    }
    const { candidates, control, personal } = message;
    const parts = candidates ? [candidates.own, candidates.mean, candidates.refined] : [];
    checkTerms({ base: base.like, rounds: [...rounds, ...parts, ...(control ? [[control]] : [])] });
    const { id, clientId, round, phase, kind, clientIndex, clientCount, seed, commonSeed } =
      message;
    const seeds = { clientIndex, clientCount, seed, commonSeed };
    const wanted = new AbortController();
    this.#wanted.set(id, wanted);
    const start = (params: Params) => {
      if (wanted.signal.aborted) return;
      const own = { base: params, rounds };
      const job = { id, clientId, round, phase, kind, params: own, ...seeds };
      this.#jobs.push({
        ...job,
        ...(candidates && { candidates }),
        ...(control && { control }),
        ...(personal && { personal }),
      });
      this.#running ??= this.#run();
    };
    if (base.params instanceof Promise) {
      base.params.then(start, (error: unknown) => {
        const failure = toFailure(error, "CLIENT_ERROR");
        const answer = { jobId: id, clientId, failure };
        void this.#deliver(answer, wanted.signal, 0).then(() => this.#wanted.delete(id));
      });
    } else start(base.params);
    return accepted;
  }

  #drop(id: number): void {
    this.#jobs = this.#jobs.filter((job) => job.id !== id);
    this.#wanted.get(id)?.abort();
    this.#wanted.delete(id);
  }

  async #run(): Promise<void> {
    const inFlight = new Set<Promise<void>>();
    const running: Running[] = [];
    let endedAt = 0;
    // More jobs may arrive while the last result is being sent.
    while (this.#jobs.length > 0) {
      for (;;) {
        this.#start(running);
        const next = running.shift();
        if (!next) break;
        const { jobs, startedAt } = next;
        const answers = await next.answers;
        const since = Math.max(startedAt, endedAt);
        endedAt = performance.now();
        // Each job of a group counts an equal part of its time.
        const workSeconds = (endedAt - since) / 1000 / jobs;
        for (const answer of answers) {
          if (isLarge(answer)) await Promise.all(inFlight);
          else if (inFlight.size >= maxInFlight) await Promise.race(inFlight);
          const { jobId } = answer;
          const wanted = this.#wanted.get(jobId);
          if (!wanted) continue;
          const delivery = this.#deliver(answer, wanted.signal, workSeconds).then(() => {
            this.#wanted.delete(jobId);
            inFlight.delete(delivery);
          });
          inFlight.add(delivery);
        }
      }
      await Promise.all(inFlight);
    }
    this.#running = undefined;
  }

  /** Starts as many groups as may run in advance. */
  #start(running: Running[]): void {
    while (this.#jobs.length > 0 && running.length < (this.#work.callsAhead?.() ?? 1)) {
      const group = nextGroup(this.#jobs, 0, this.#work.jobsAtOnce?.() ?? 1);
      this.#jobs = this.#jobs.slice(group.length);
      const startedAt = performance.now();
      running.push({ jobs: group.length, startedAt, answers: this.#runGroup(group) });
    }
  }

  async #runGroup(jobs: readonly ClientJob[]): Promise<readonly Answer[]> {
    try {
      return await this.#work.runJobs(jobs);
    } catch (error) {
      const failure = toFailure(error, "CLIENT_ERROR");
      return jobs.map(({ id: jobId, clientId }) => ({ jobId, clientId, failure }));
    }
  }
}

function createBase(like: Params, params: Params | Promise<Params> = like): Base {
  return { like, params, bytes: payloadBytes(like.values()) + overheadBytes };
}

function refuseUnknownBase(id: number): Reply {
  return refuse({ code: "MALFORMED", message: `base ${id} did not come` });
}
